// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// Reading JSON as Intel signs it: without white space, and without escapes in strings.
library Json {
    error BadJson();
    error BadHex();

    /// What is between the braces of an object.
    function object(bytes calldata value) internal pure returns (bytes calldata) {
        return _inside(value, "{", "}");
    }

    /// What is between the brackets of an array.
    function array(bytes calldata value) internal pure returns (bytes calldata) {
        return _inside(value, "[", "]");
    }

    /// What is between the quotes of a string.
    function text(bytes calldata value) internal pure returns (bytes calldata) {
        return _inside(value, '"', '"');
    }

    /// The next member of an object's inside: Keccak-256 of its name, its value, and the members after it.
    function member(bytes calldata members)
        internal
        pure
        returns (bytes32 name, bytes calldata value, bytes calldata rest)
    {
        if (members.length == 0) revert BadJson();
        uint256 end = _end(members);
        name = keccak256(text(members[:end]));
        if (members.length <= end || members[end] != ":") revert BadJson();
        (value, rest) = element(members[end + 1:]);
    }

    /// The next element of an array's inside, and the elements after it.
    function element(bytes calldata elements)
        internal
        pure
        returns (bytes calldata value, bytes calldata rest)
    {
        uint256 end = _end(elements);
        value = elements[:end];
        rest = elements[end:];
        if (end == 0) revert BadJson();
        if (rest.length > 0) {
            if (rest[0] != "," || rest.length == 1) revert BadJson();
            rest = rest[1:];
        }
    }

    /// A number of the field's width in bits: digits only.
    function number(bytes calldata value, uint256 bits) internal pure returns (uint256 found) {
        if (value.length == 0 || value.length > 20) revert BadJson();
        for (uint256 i = 0; i < value.length; i++) {
            uint8 one = uint8(value[i]) ^ 0x30;
            if (one > 9) revert BadJson();
            found = found * 10 + one;
        }
        if (found >> bits != 0) revert BadJson();
    }

    /// A string of so many bytes in hexadecimal digits.
    function hexadecimal(bytes calldata value, uint256 size) internal pure returns (bytes memory found) {
        bytes calldata digits = text(value);
        if (digits.length != 2 * size) revert BadHex();
        found = new bytes(size);
        for (uint256 i = 0; i < size; i++) {
            found[i] = bytes1(digit(uint8(digits[2 * i])) << 4 | digit(uint8(digits[2 * i + 1])));
        }
    }

    /// Value of a hexadecimal digit.
    function digit(uint8 character) internal pure returns (uint8) {
        if (character >= 48 && character <= 57) return character - 48;
        character |= 0x20;
        if (character >= 97 && character <= 102) return character - 87;
        revert BadHex();
    }

    function _inside(bytes calldata value, bytes1 open, bytes1 close) private pure returns (bytes calldata) {
        if (value.length < 2 || value[0] != open || value[value.length - 1] != close) revert BadJson();
        return value[1:value.length - 1];
    }

    /// Where the value at the front ends: before a comma, colon or closing bracket outside of it.
    function _end(bytes calldata data) private pure returns (uint256 end) {
        uint256 depth;
        bool quoted;
        uint256 size = data.length;
        unchecked {
            for (; end < size; end++) {
                uint256 character;
                assembly ("memory-safe") {
                    character := byte(0, calldataload(add(data.offset, end)))
                }
                if (character == 0x22) quoted = !quoted;
                else if (character == 0x5c) revert BadJson();
                else if (quoted) continue;
                else if (character == 0x7b || character == 0x5b) depth++;
                else if (depth == 0 && (character == 0x2c || character == 0x3a)) break;
                else if ((character == 0x7d || character == 0x5d) && depth-- == 0) revert BadJson();
            }
        }
        if (quoted || depth != 0) revert BadJson();
    }
}
