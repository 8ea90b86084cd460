// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {R, WORD} from "./Field.sol";

/// eq(prefix, point) of parts of a hypercube that lie one after another, each a subcube whose prefix has `depth` bits.
///
/// Eight parts whose prefixes differ in the last three bits are worked out together, from the product of the bits before
/// these, `products[depth]`; products[i] is that of the first i. So that three bits are always there, three coordinates
/// that are 0 stand before the point.
struct Walk {
    uint256[] point; // behind three zeros
    uint256[] products;
    uint256 depth;
    uint256 index; // of the next part
    uint256[8] eight;
}

library Prefixes {
    uint256 private constant BITS = 3;

    /// At the first part.
    function begin(uint256[] memory point) internal pure returns (Walk memory walk) {
        walk.point = new uint256[](BITS + point.length);
        for (uint256 i = 0; i < point.length; i++) {
            walk.point[BITS + i] = point[i];
        }
        walk.products = new uint256[](point.length + 1);
        walk.products[0] = 1;
    }

    /// Parts are smaller from here on: prefixes have `depth` bits. Products of bits that are there already stay.
    function descend(Walk memory self, uint256 depth) internal pure {
        uint256 before = self.depth;
        self.index <<= depth - before;
        self.depth = depth;
        uint256 bits = self.index / 8;
        uint256[] memory point = self.point;
        uint256[] memory products = self.products;
        assembly ("memory-safe") {
            let modulus := R
            let at_ := shl(5, add(before, 1))
            let product := mload(add(products, at_))
            let end := shl(5, add(depth, 1))
            depth := sub(depth, before)
            for {} lt(at_, end) {} {
                depth := sub(depth, 1)
                let z := mload(add(point, at_))
                if iszero(and(shr(depth, bits), 1)) { z := sub(add(modulus, 1), z) }
                product := mulmod(product, z, modulus)
                at_ := add(at_, 32)
                mstore(add(products, at_), product)
            }
        }
    }

    /// Writes the weights of the next `count` parts, no more than are left, to memory at `out`.
    function write(Walk memory self, uint256 count, uint256 out) internal pure {
        while (count > 0) {
            uint256 skip = self.index % 8;
            uint256 some = count < 8 - skip ? count : 8 - skip;
            _eight(self);
            uint256[8] memory eight = self.eight;
            assembly ("memory-safe") {
                mcopy(out, add(eight, shl(5, skip)), shl(5, some))
            }
            unchecked {
                (out, count) = (out + WORD * some, count - some);
                self.index += some;
                if (skip + some == 8) _advance(self);
            }
        }
    }

    /// The weights of the eight parts among which the next one is.
    function _eight(Walk memory self) private pure {
        uint256[8] memory eight = self.eight;
        uint256 depth = self.depth;
        uint256[] memory point = self.point;
        uint256[] memory products = self.products;
        assembly ("memory-safe") {
            let modulus := R
            let at_ := shl(5, add(depth, 1))
            let whole := mload(add(products, at_))
            at_ := add(point, at_)
            let high := mulmod(whole, mload(at_), modulus)
            let low := addmod(whole, sub(modulus, high), modulus)
            let z := mload(add(at_, 32))
            let lowHigh := mulmod(low, z, modulus)
            let highHigh := mulmod(high, z, modulus)
            low := addmod(low, sub(modulus, lowHigh), modulus)
            high := addmod(high, sub(modulus, highHigh), modulus)
            z := mload(add(at_, 64))
            let part := mulmod(low, z, modulus)
            mstore(eight, addmod(low, sub(modulus, part), modulus))
            mstore(add(eight, 32), part)
            part := mulmod(lowHigh, z, modulus)
            mstore(add(eight, 64), addmod(lowHigh, sub(modulus, part), modulus))
            mstore(add(eight, 96), part)
            part := mulmod(high, z, modulus)
            mstore(add(eight, 128), addmod(high, sub(modulus, part), modulus))
            mstore(add(eight, 160), part)
            part := mulmod(highHigh, z, modulus)
            mstore(add(eight, 192), addmod(highHigh, sub(modulus, part), modulus))
            mstore(add(eight, 224), part)
        }
    }

    /// To the next eight: of their number before, the lowest bit that is 0 becomes 1, those behind it 0.
    function _advance(Walk memory self) private pure {
        uint256 bits = self.index / 8 - 1;
        uint256 depth = self.depth;
        uint256[] memory point = self.point;
        uint256[] memory products = self.products;
        assembly ("memory-safe") {
            let modulus := R
            let last := add(products, shl(5, add(depth, 1)))
            let offset := sub(sub(point, products), 32) // from a product to the coordinate that leads to it
            let at_ := last
            for {} and(bits, 1) { bits := shr(1, bits) } { at_ := sub(at_, 32) }
            mstore(at_, addmod(mload(sub(at_, 32)), sub(modulus, mload(at_)), modulus))
            for {} lt(at_, last) {} {
                let product := mload(at_)
                at_ := add(at_, 32)
                mstore(
                    at_,
                    addmod(product, sub(modulus, mulmod(product, mload(add(at_, offset)), modulus)), modulus)
                )
            }
        }
    }

    /// Σ base^(k − first)·eq(prefix k, point) of the parts from number `first` on, less that of those from `end` on.
    /// `powers[i]` is base^(2^i), and 1 ≤ end − first.
    ///
    /// The bits in which no two of the parts differ are a common factor. Of the others, from the last on, of all parts
    /// that agree in the bits before: `found` and `less`, of those from the first and from the end on; `whole`, of all;
    /// `ratio` and `other`, base to how many there are from the first and from the end on.
    function run(uint256[] memory point, uint256[] memory powers, uint256 depth, uint256 first, uint256 end)
        internal
        pure
        returns (uint256 found, uint256 less)
    {
        assembly ("memory-safe") {
            mstore(0, R) // where it is read from: variables are too many
            found := 1
            less := 1
            let whole := 1
            let power := add(powers, 32)
            let ratio := mload(power)
            let other := ratio
            let at_ := add(point, shl(5, depth))
            let last := sub(end, 1)
            for {} sub(first, last) {
                last := shr(1, last)
                first := shr(1, first)
                end := shr(1, end)
                at_ := sub(at_, 32)
                power := add(power, 32)
            } {
                let z := mload(at_)
                let low := sub(add(mload(0), 1), z)
                let square := mload(power)
                let high := mulmod(z, whole, mload(0))
                switch and(first, 1)
                case 0 {
                    found := addmod(mulmod(low, found, mload(0)), mulmod(high, ratio, mload(0)), mload(0))
                    ratio := mulmod(ratio, square, mload(0))
                }
                default { found := mulmod(z, found, mload(0)) }
                switch and(end, 1)
                case 0 {
                    less := addmod(mulmod(low, less, mload(0)), mulmod(high, other, mload(0)), mload(0))
                    other := mulmod(other, square, mload(0))
                }
                default { less := mulmod(z, less, mload(0)) }
                whole := addmod(mulmod(low, whole, mload(0)), mulmod(high, square, mload(0)), mload(0))
            }
            // Where the end is the first part of the next whole, nothing of this one is behind it.
            if sub(first, end) { less := 0 }
            let common := 1
            for {} gt(at_, point) { at_ := sub(at_, 32) } {
                let z := mload(at_)
                if iszero(and(first, 1)) { z := sub(add(mload(0), 1), z) }
                common := mulmod(common, z, mload(0))
                first := shr(1, first)
            }
            found := mulmod(found, common, mload(0))
            less := mulmod(less, common, mload(0))
        }
    }

    /// The weights of all parts from number `first` on, added up.
    function above(uint256[] memory point, uint256 first) internal pure returns (uint256 found) {
        if (first >> point.length > 0) return 0;
        assembly ("memory-safe") {
            let modulus := R
            found := 1
            for { let at_ := add(point, shl(5, mload(point))) } gt(at_, point) { at_ := sub(at_, 32) } {
                let z := mload(at_)
                switch and(first, 1)
                case 0 { found := addmod(mulmod(sub(add(modulus, 1), z), found, modulus), z, modulus) }
                default { found := mulmod(z, found, modulus) }
                first := shr(1, first)
            }
        }
    }
}
