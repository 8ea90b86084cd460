// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Field, HALF, R, WORD} from "./Field.sol";
import {Transcript, Transcripts} from "./Transcript.sol";

/// Rounds of sumchecks (prover/zk/sumcheck.py): each sends a polynomial h at 0, 2, … its degree.
///
/// With an eq factor, (1 − τ)·h(0) + τ·h(1) is the claim before, and h(r) the one that is left. So as not to divide by
/// τ, claims carry the product of all τ so far, their scale, which must not be zero.
library Sumcheck {
    using Transcripts for Transcript;

    error ScaleIsZero();

    /// Rounds with an eq factor and degree 2, one for each coordinate of `tau`; `point` takes the challenges, behind
    /// `skip` other coordinates.
    function quadraticEq(
        Transcript memory transcript,
        uint256 position,
        uint256[] memory tau,
        uint256 claim,
        uint256[] memory point,
        uint256 skip
    ) internal pure returns (uint256 left, uint256 scale) {
        (left, scale) = (claim, 1);
        for (uint256 i = 0; i < tau.length;) {
            uint256 r = transcript.round(position, 2);
            assembly ("memory-safe") {
                let modulus := R
                let offset := shl(5, add(i, 1))
                let t := mload(add(tau, offset))
                mstore(add(add(point, shl(5, skip)), offset), r)
                let h0 := calldataload(position)
                let h2 := calldataload(add(position, 32))
                let below := add(r, sub(modulus, 2))
                // h(r) is (r − 1)·(h(0)·(r − 2) + h(2)·r)/2 − h(1)·r·(r − 2)
                let ends := addmod(mulmod(h0, below, modulus), mulmod(h2, r, modulus), modulus)
                ends := mulmod(mulmod(ends, add(r, sub(modulus, 1)), modulus), HALF, modulus)
                let middle := mulmod(mulmod(scale, sub(add(modulus, 1), t), modulus), h0, modulus)
                middle := addmod(left, sub(modulus, middle), modulus)
                middle := mulmod(mulmod(middle, r, modulus), below, modulus)
                scale := mulmod(scale, t, modulus)
                left := addmod(mulmod(scale, ends, modulus), sub(modulus, middle), modulus)
            }
            unchecked {
                position += 2 * WORD;
                i++;
            }
        }
        if (scale == 0) revert ScaleIsZero();
    }

    /// The same with any degree; h(r) by Lagrange.
    function eq(
        Transcript memory transcript,
        uint256 position,
        uint256 degree,
        uint256[] memory tau,
        uint256 claim
    ) internal view returns (uint256[] memory point, uint256 left, uint256 scale) {
        (left, scale) = (claim, 1);
        point = new uint256[](tau.length);
        uint256[] memory constants = _lagrange(degree);
        for (uint256 i = 0; i < tau.length; i++) {
            uint256 r = transcript.round(position, degree);
            point[i] = r;
            (uint256 others, uint256 atOne) = _interpolated(position, constants, r);
            uint256 middle = mulmod(mulmod(scale, 1 + R - tau[i], R), Field.at(position), R);
            scale = mulmod(scale, tau[i], R);
            left = addmod(mulmod(scale, others, R), mulmod(Field.sub(left, middle), atOne, R), R);
            position += WORD * degree;
        }
        if (scale == 0) revert ScaleIsZero();
    }

    /// Rounds without an eq factor, of degree 2: h(0) + h(1) is the claim before.
    function quadratic(Transcript memory transcript, uint256 position, uint256 variables, uint256 claim)
        internal
        pure
        returns (uint256[] memory point, uint256 left)
    {
        left = claim;
        point = new uint256[](variables);
        for (uint256 i = 0; i < variables; i++) {
            uint256 r = transcript.round(position, 2);
            point[i] = r;
            uint256 h0 = Field.at(position);
            uint256 below = r + R - 2;
            uint256 ends = addmod(mulmod(h0, below, R), mulmod(Field.at(position + WORD), r, R), R);
            ends = mulmod(mulmod(ends, r + R - 1, R), HALF, R);
            left = Field.sub(ends, mulmod(mulmod(Field.sub(left, h0), r, R), below, R));
            position += 2 * WORD;
        }
    }

    /// What Lagrange's polynomial at i is divided by, inverted: (−1)^(degree − i) · binomial(degree, i) / degree!.
    function _lagrange(uint256 degree) private view returns (uint256[] memory constants) {
        constants = new uint256[](degree + 1);
        uint256 factorial = 1;
        for (uint256 i = 2; i <= degree; i++) {
            factorial *= i;
        }
        uint256 constant_ = Field.inverse(factorial);
        if (degree % 2 == 1) constant_ = R - constant_;
        uint256 binomial = 1;
        for (uint256 i = 0; i <= degree; i++) {
            uint256 value = mulmod(binomial, constant_, R);
            constants[i] = i % 2 == 0 ? value : R - value;
            binomial = binomial * (degree - i) / (i + 1);
        }
    }

    /// What h(0), h(2), … give at r, and by what h(1) is multiplied there.
    function _interpolated(uint256 position, uint256[] memory constants, uint256 r)
        private
        pure
        returns (uint256 others, uint256 atOne)
    {
        assembly ("memory-safe") {
            let modulus := R
            let count := mload(constants)
            for { let i := 0 } lt(i, count) { i := add(i, 1) } {
                let product := mload(add(constants, shl(5, add(i, 1))))
                for { let j := 0 } lt(j, count) { j := add(j, 1) } {
                    if sub(j, i) { product := mulmod(product, sub(add(r, modulus), j), modulus) }
                }
                switch i
                case 1 { atOne := product }
                default {
                    others := addmod(others, mulmod(product, calldataload(position), modulus), modulus)
                    position := add(position, 32)
                }
            }
        }
    }
}
