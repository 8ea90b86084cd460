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

    /// At the first part. `factor` is what all weights are multiplied by.
    function begin(uint256[] memory point, uint256 factor) internal pure returns (Walk memory walk) {
        walk.point = new uint256[](BITS + point.length);
        for (uint256 i = 0; i < point.length; i++) {
            walk.point[BITS + i] = point[i];
        }
        walk.products = new uint256[](point.length + 1);
        walk.products[0] = factor;
    }

    /// Parts are smaller from here on: prefixes have `depth` bits.
    function descend(Walk memory self, uint256 depth) internal pure {
        if (depth == self.depth) return;
        self.index <<= depth - self.depth;
        self.depth = depth;
        _seek(self);
    }

    /// Of the hypercube.
    function variables(Walk memory self) internal pure returns (uint256) {
        return self.products.length - 1;
    }

    /// How many parts are left in the hypercube.
    function left(Walk memory self) internal pure returns (uint256) {
        return (1 << self.depth) - self.index;
    }

    /// Back to the first part, of another hypercube.
    function restart(Walk memory self) internal pure {
        self.index = 0;
        _seek(self);
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
            let at_ := shl(5, add(depth, 1))
            let whole := mload(add(products, at_))
            at_ := add(point, at_)
            let high := mulmod(whole, mload(at_), R)
            let low := addmod(whole, sub(R, high), R)
            let z := mload(add(at_, 32))
            let lowHigh := mulmod(low, z, R)
            let highHigh := mulmod(high, z, R)
            low := addmod(low, sub(R, lowHigh), R)
            high := addmod(high, sub(R, highHigh), R)
            z := mload(add(at_, 64))
            let part := mulmod(low, z, R)
            mstore(eight, addmod(low, sub(R, part), R))
            mstore(add(eight, 32), part)
            part := mulmod(lowHigh, z, R)
            mstore(add(eight, 64), addmod(lowHigh, sub(R, part), R))
            mstore(add(eight, 96), part)
            part := mulmod(high, z, R)
            mstore(add(eight, 128), addmod(high, sub(R, part), R))
            mstore(add(eight, 160), part)
            part := mulmod(highHigh, z, R)
            mstore(add(eight, 192), addmod(highHigh, sub(R, part), R))
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
            let last := add(products, shl(5, add(depth, 1)))
            let offset := sub(sub(point, products), 32) // from a product to the coordinate that leads to it
            let at_ := last
            for {} and(bits, 1) { bits := shr(1, bits) } { at_ := sub(at_, 32) }
            mstore(at_, addmod(mload(sub(at_, 32)), sub(R, mload(at_)), R))
            for {} lt(at_, last) {} {
                let product := mload(at_)
                at_ := add(at_, 32)
                mstore(at_, addmod(product, sub(R, mulmod(product, mload(add(at_, offset)), R)), R))
            }
        }
    }

    /// The products for the index.
    function _seek(Walk memory self) private pure {
        uint256 bits = self.index / 8;
        uint256 depth = self.depth;
        uint256[] memory point = self.point;
        uint256[] memory products = self.products;
        assembly ("memory-safe") {
            let product := mload(add(products, 32))
            let end := shl(5, add(depth, 1))
            for { let at_ := 32 } lt(at_, end) {} {
                depth := sub(depth, 1)
                let z := mload(add(point, at_))
                if iszero(and(shr(depth, bits), 1)) { z := sub(add(R, 1), z) }
                product := mulmod(product, z, R)
                at_ := add(at_, 32)
                mstore(add(products, at_), product)
            }
        }
    }
}
