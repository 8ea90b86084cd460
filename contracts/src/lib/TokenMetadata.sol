// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// Name, symbol and decimals of a token, as far as it has them.
library TokenMetadata {
    uint256 private constant MAX_TEXT = 64;

    /// abi.encode(name, symbol, decimals); texts are cut at 64 bytes, a token without decimals has 18.
    function read(address token) internal view returns (bytes memory) {
        return abi.encode(_text(token, "name()"), _text(token, "symbol()"), _decimals(token));
    }

    function _decimals(address token) private view returns (uint8) {
        (bool success, bytes memory result) = _ask(token, "decimals()", 32);
        if (!success || result.length < 32) return 18;
        uint256 decimals = abi.decode(result, (uint256));
        return decimals > type(uint8).max ? 18 : uint8(decimals);
    }

    /// A string; or bytes32 that end with zeros, as some old tokens have it.
    function _text(address token, string memory signature) private view returns (string memory) {
        (bool success, bytes memory result) = _ask(token, signature, 64 + MAX_TEXT);
        if (!success || result.length < 32) return "";
        if (result.length == 32) return _fromWord(bytes32(result));
        (uint256 offset, uint256 length) = (_word(result, 0), result.length < 64 ? 0 : _word(result, 32));
        if (offset != 32) return "";
        uint256 there = result.length < 64 ? 0 : result.length - 64;
        if (length > there) length = there;
        bytes memory text = new bytes(length);
        for (uint256 i = 0; i < length; i++) {
            text[i] = result[64 + i];
        }
        return string(text);
    }

    function _fromWord(bytes32 word) private pure returns (string memory) {
        uint256 length = 0;
        while (length < 32 && word[length] != 0) length++;
        bytes memory text = new bytes(length);
        for (uint256 i = 0; i < length; i++) {
            text[i] = word[i];
        }
        return string(text);
    }

    /// At most `size` bytes of the answer, so that a token cannot make its deposit too long.
    function _ask(address token, string memory signature, uint256 size)
        private
        view
        returns (bool success, bytes memory result)
    {
        bytes memory question = abi.encodeWithSignature(signature);
        result = new bytes(size);
        assembly ("memory-safe") {
            success := staticcall(gas(), token, add(question, 0x20), mload(question), add(result, 0x20), size)
            if lt(returndatasize(), size) { mstore(result, returndatasize()) }
        }
    }

    function _word(bytes memory data, uint256 place) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 0x20), place))
        }
    }
}
