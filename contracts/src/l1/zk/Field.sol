// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

// Order of BN254's groups: what all elements are below.
uint256 constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
// 1/2.
uint256 constant HALF = 0x183227397098d014dc2822db40c0ac2e9419f4243cdcb848a1f0fac9f8000001;
uint256 constant WORD = 32;

/// The scalar field of BN254.
library Field {
    address private constant MODEXP = address(0x05);

    error NotBelowModulus();
    error NoInverse();

    function inverse(uint256 a) internal view returns (uint256 result) {
        if (a % R == 0) revert NoInverse();
        (bool success, bytes memory answer) = MODEXP.staticcall(abi.encode(WORD, WORD, WORD, a, R - 2, R));
        if (!success) revert NoInverse();
        return abi.decode(answer, (uint256));
    }

    function power(uint256 base, uint256 exponent) internal pure returns (uint256 result) {
        result = 1;
        for (; exponent > 0; exponent >>= 1) {
            if (exponent & 1 == 1) result = mulmod(result, base, R);
            base = mulmod(base, base, R);
        }
    }

    function sub(uint256 a, uint256 b) internal pure returns (uint256) {
        unchecked {
            return addmod(a, R - b, R);
        }
    }

    /// eq(a, b) = a·b + (1 − a)·(1 − b).
    function eq(uint256 a, uint256 b) internal pure returns (uint256) {
        uint256 product = mulmod(a, b, R);
        return addmod(addmod(product, product, R), addmod(1 + R - a, R - b, R), R);
    }

    /// The word at a position of the calldata.
    function at(uint256 position) internal pure returns (uint256 value) {
        assembly ("memory-safe") {
            value := calldataload(position)
        }
    }

    /// Reverts unless all words of the calldata between two positions are below R.
    function check(uint256 position, uint256 end) internal pure {
        bool wrong;
        assembly ("memory-safe") {
            let most := sub(R, 1)
            for { let last := sub(end, 224) } lt(position, last) { position := add(position, 256) } {
                wrong := or(wrong, gt(calldataload(position), most))
                wrong := or(wrong, gt(calldataload(add(position, 32)), most))
                wrong := or(wrong, gt(calldataload(add(position, 64)), most))
                wrong := or(wrong, gt(calldataload(add(position, 96)), most))
                wrong := or(wrong, gt(calldataload(add(position, 128)), most))
                wrong := or(wrong, gt(calldataload(add(position, 160)), most))
                wrong := or(wrong, gt(calldataload(add(position, 192)), most))
                wrong := or(wrong, gt(calldataload(add(position, 224)), most))
            }
            for {} lt(position, end) { position := add(position, 32) } {
                wrong := or(wrong, gt(calldataload(position), most))
            }
        }
        if (wrong) revert NotBelowModulus();
    }
}
