// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Json} from "./Json.sol";
import {TcbStatus, TcbStatuses} from "./TcbStatus.sol";

/// The status of enclaves or modules of at least this security version.
struct SvnLevel {
    uint16 svn;
    TcbStatus status;
}

library SvnLevels {
    using Json for bytes;

    error NoStatus();
    error SvnTooLow(uint16 svn);

    /// From an array of {"tcb":{"isvsvn":…},…,"tcbStatus":…}.
    function store(SvnLevel[] storage levels, bytes calldata json) internal {
        bytes calldata rest = json.array();
        while (rest.length > 0) {
            bytes calldata one;
            (one, rest) = rest.element();
            (bytes calldata tcb, TcbStatus status) = level(one);
            (bytes32 name, bytes calldata value,) = tcb.object().member();
            if (name != keccak256("isvsvn")) revert NoStatus();
            levels.push(SvnLevel(uint16(value.number(16)), status));
        }
    }

    /// "tcb" and "tcbStatus" of a level.
    function level(bytes calldata json) internal pure returns (bytes calldata tcb, TcbStatus status) {
        tcb = json[:0];
        bool found;
        bytes calldata rest = json.object();
        while (rest.length > 0) {
            bytes32 name;
            bytes calldata value;
            (name, value, rest) = rest.member();
            if (name == keccak256("tcb")) {
                tcb = value;
            } else if (name == keccak256("tcbStatus")) {
                status = TcbStatuses.parse(value.text());
                found = true;
            }
        }
        if (!found || tcb.length == 0) revert NoStatus();
    }

    /// Of the first level that is not above the version: Intel lists them from the highest on.
    function statusOf(SvnLevel[] storage levels, uint16 svn) internal view returns (TcbStatus) {
        for (uint256 i = 0; i < levels.length; i++) {
            SvnLevel memory one = levels[i];
            if (svn >= one.svn) return one.status;
        }
        revert SvnTooLow(svn);
    }
}
