// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Issue, Issues} from "./Issue.sol";
import {Json} from "./Json.sol";
import {SvnLevel, SvnLevels} from "./SvnLevel.sol";
import {TcbStatus} from "./TcbStatus.sol";
import {TdxQuote} from "./TdxQuote.sol";

/// Which quoting enclaves are Intel's: its "QE identity" for TDX.
struct QeIdentity {
    Issue issue;
    bytes4 miscSelect;
    bytes4 miscSelectMask;
    bytes16 attributes;
    bytes16 attributesMask;
    bytes32 signer;
    uint16 product;
    SvnLevel[] levels;
}

library QeIdentities {
    using Json for bytes;

    /// In SGX attributes of an enclave: it can be read from outside.
    bytes16 private constant DEBUG = hex"02000000000000000000000000000000";

    error NotQeIdentity();
    error WrongQe(TdxQuote.QeReport report);

    /// Replaces what is stored by what the JSON says. Names that are not known here are passed over.
    function store(QeIdentity storage identity, bytes calldata json) internal {
        delete identity.levels;
        bool isQe;
        bytes calldata rest = json.object();
        while (rest.length > 0) {
            bytes32 name;
            bytes calldata value;
            (name, value, rest) = rest.member();
            if (name == keccak256("id")) {
                isQe = keccak256(value.text()) == keccak256("TD_QE");
            } else if (name == keccak256("miscselect")) {
                identity.miscSelect = bytes4(value.hexadecimal(4));
            } else if (name == keccak256("miscselectMask")) {
                identity.miscSelectMask = bytes4(value.hexadecimal(4));
            } else if (name == keccak256("attributes")) {
                identity.attributes = bytes16(value.hexadecimal(16));
            } else if (name == keccak256("attributesMask")) {
                identity.attributesMask = bytes16(value.hexadecimal(16));
            } else if (name == keccak256("mrsigner")) {
                identity.signer = bytes32(value.hexadecimal(32));
            } else if (name == keccak256("isvprodid")) {
                identity.product = uint16(value.number(16));
            } else if (name == keccak256("tcbLevels")) {
                SvnLevels.store(identity.levels, value);
            } else {
                Issues.store(identity.issue, name, value);
            }
        }
        if (!isQe || identity.signer == 0 || identity.levels.length == 0) revert NotQeIdentity();
    }

    /// Refuses an enclave that is not Intel's; the status of one that is.
    function check(QeIdentity storage identity, TdxQuote.QeReport memory report)
        internal
        view
        returns (TcbStatus)
    {
        bool same = report.signer == identity.signer && report.product == identity.product
            && (report.miscSelect ^ identity.miscSelect) & identity.miscSelectMask == 0
            && (report.attributes ^ identity.attributes) & identity.attributesMask == 0
            && report.attributes & DEBUG == 0;
        if (!same) revert WrongQe(report);
        return SvnLevels.statusOf(identity.levels, report.svn);
    }
}
