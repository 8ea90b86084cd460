// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// Reading DER (X.690): every function takes the next element off the front of some bytes.
library Der {
    uint8 internal constant BOOLEAN = 0x01;
    uint8 internal constant INTEGER = 0x02;
    uint8 internal constant BIT_STRING = 0x03;
    uint8 internal constant OCTET_STRING = 0x04;
    uint8 internal constant OBJECT_IDENTIFIER = 0x06;
    uint8 internal constant UTC_TIME = 0x17;
    uint8 internal constant SEQUENCE = 0x30;

    error BadDer();
    error UnexpectedTag(uint8 found, uint8 expected);

    /// The next element, which must have this tag: its contents, and what follows it.
    function next(bytes calldata data, uint8 tag)
        internal
        pure
        returns (bytes calldata content, bytes calldata rest)
    {
        if (tagOf(data) != tag) revert UnexpectedTag(tagOf(data), tag);
        (content, rest) = element(data);
    }

    /// The same with any tag. Lengths must have their shortest form, and at most two bytes of it.
    function element(bytes calldata data)
        internal
        pure
        returns (bytes calldata content, bytes calldata rest)
    {
        if (data.length < 2) revert BadDer();
        uint256 size = uint8(data[1]);
        uint256 start = 2;
        if (size == 0x81 && data.length > 2) {
            size = uint8(data[2]);
            start = 3;
            if (size < 0x80) revert BadDer();
        } else if (size == 0x82 && data.length > 3) {
            size = uint16(bytes2(data[2:4]));
            start = 4;
            if (size < 0x100) revert BadDer();
        } else if (size >= 0x80) {
            revert BadDer();
        }
        if (data.length - start < size) revert BadDer();
        content = data[start:start + size];
        rest = data[start + size:];
    }

    /// The only element that there is.
    function only(bytes calldata data, uint8 tag) internal pure returns (bytes calldata content) {
        bytes calldata rest;
        (content, rest) = next(data, tag);
        if (rest.length != 0) revert BadDer();
    }

    /// Tag of the next element; 0 where there is none.
    function tagOf(bytes calldata data) internal pure returns (uint8) {
        return data.length == 0 ? 0 : uint8(data[0]);
    }

    /// Contents of an INTEGER that is not negative and fits a word.
    function number(bytes calldata content) internal pure returns (uint256) {
        uint256 size = content.length;
        if (size == 0 || size > 33 || content[0] >= 0x80) revert BadDer();
        if (size > 1 && content[0] == 0 && content[1] < 0x80) revert BadDer();
        if (size == 33 && content[0] != 0) revert BadDer();
        return size == 33 ? uint256(bytes32(content[1:])) : uint256(bytes32(content)) >> (8 * (32 - size));
    }
}
