// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Der} from "./Der.sol";

/// What Intel's SGX extension says of the machine that a PCK certificate is for.
struct Machine {
    bytes6 fmspc;
    bytes2 pceId;
    bytes16 sgxSvns; // of its 16 components
    uint16 pceSvn;
}

/// The extension: "Intel SGX PCK Certificate and CRL Profile Specification", 1.3.5.
library SgxExtension {
    using Der for bytes;

    bytes9 private constant IDENTIFIER = hex"2a864886f84d010d01";
    uint8 private constant TCB = 2;
    uint8 private constant PCE_ID = 3;
    uint8 private constant FMSPC = 4;
    uint256 private constant COMPONENTS = 16;
    uint256 private constant COMPLETE = 7;

    error BadSgxExtension();

    function parse(bytes calldata members) internal pure returns (Machine memory machine) {
        uint256 seen;
        while (members.length > 0) {
            bytes calldata value;
            uint8 number;
            (number, value, members) = _member(members, 10);
            if (number == TCB) {
                (machine.sgxSvns, machine.pceSvn) = _tcb(value.only(Der.SEQUENCE));
                seen |= 1;
            } else if (number == PCE_ID) {
                value = value.only(Der.OCTET_STRING);
                if (value.length != 2) revert BadSgxExtension();
                machine.pceId = bytes2(value);
                seen |= 2;
            } else if (number == FMSPC) {
                value = value.only(Der.OCTET_STRING);
                if (value.length != 6) revert BadSgxExtension();
                machine.fmspc = bytes6(value);
                seen |= 4;
            }
        }
        if (seen != COMPLETE) revert BadSgxExtension();
    }

    /// Members 1 to 16 are the components' versions, 17 that of the PCE; 18, CPUSVN, repeats the components.
    function _tcb(bytes calldata members) private pure returns (bytes16 sgxSvns, uint16 pceSvn) {
        uint256 packed;
        for (uint256 i = 1; i <= COMPONENTS + 1; i++) {
            bytes calldata value;
            uint8 number;
            (number, value, members) = _member(members, 11);
            uint256 svn = value.only(Der.INTEGER).number();
            if (number != i || svn > (i > COMPONENTS ? type(uint16).max : type(uint8).max)) {
                revert BadSgxExtension();
            }
            if (i > COMPONENTS) pceSvn = uint16(svn);
            else packed = packed << 8 | svn;
        }
        sgxSvns = bytes16(uint128(packed));
    }

    /// The next member: last part of its identifier, which has so many bytes, and its value with its tag.
    function _member(bytes calldata members, uint256 size)
        private
        pure
        returns (uint8 number, bytes calldata value, bytes calldata rest)
    {
        bytes calldata identifier;
        (value, rest) = members.next(Der.SEQUENCE);
        (identifier, value) = value.next(Der.OBJECT_IDENTIFIER);
        if (identifier.length != size || bytes9(identifier) != IDENTIFIER) revert BadSgxExtension();
        number = uint8(identifier[size - 1]);
    }
}
