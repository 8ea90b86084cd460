// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Field, R, WORD} from "./Field.sol";
import {Sumcheck} from "./Sumcheck.sol";
import {Transcript, Transcripts} from "./Transcript.sol";

/// What the polynomials of the leaves' numerators and denominators are at a point.
struct FractionsClaim {
    uint256[] point;
    uint256 p;
    uint256 q;
}

/// A sum of fractions, layer by layer from its root (prover/zk/fractions.py).
library Fractions {
    using Transcripts for Transcript;

    /// Variables of the highest layer, which is sent whole.
    uint256 internal constant TOP = 3;
    uint256 private constant FEW = 1 << TOP;
    bytes32 private constant TOPS = keccak256("tops");
    bytes32 private constant POINT = keccak256("point");
    bytes32 private constant LAMBDA = keccak256("lambda");
    bytes32 private constant HALVES = keccak256("halves");
    bytes32 private constant HALF_ = keccak256("half");

    error LayerDoesNotHold(uint256 variables);

    /// Words of a proof about 2^variables leaves.
    function size(uint256 variables) internal pure returns (uint256 words) {
        words = 2 * FEW;
        for (uint256 v = TOP; v < variables; v++) {
            words += 2 * v + 4;
        }
    }

    /// The fraction that the highest layer adds up to.
    function total(uint256 position) internal pure returns (uint256 top, uint256 bottom) {
        bottom = 1;
        for (uint256 i = 0; i < FEW; i++) {
            uint256 q = Field.at(position + WORD * (FEW + i));
            (top, bottom) = add(top, bottom, Field.at(position + WORD * i), q);
        }
    }

    function add(uint256 p0, uint256 q0, uint256 p1, uint256 q1)
        internal
        pure
        returns (uint256 p, uint256 q)
    {
        return (addmod(mulmod(p0, q1, R), mulmod(p1, q0, R), R), mulmod(q0, q1, R));
    }

    /// The claim about 2^variables leaves. Reverts where a layer does not follow from the one above.
    function check(Transcript memory transcript, uint256 position, uint256 variables)
        internal
        pure
        returns (FractionsClaim memory claim)
    {
        claim = _top(transcript, position);
        position += WORD * 2 * FEW;
        for (uint256 v = TOP; v < variables; v++) {
            uint256 lambda = transcript.challenge(LAMBDA);
            uint256[] memory point = new uint256[](v + 1);
            uint256 sum = addmod(claim.p, mulmod(lambda, claim.q, R), R);
            (uint256 left, uint256 scale) =
                Sumcheck.quadraticEq(transcript, position, claim.point, sum, point, 1);
            position += WORD * 2 * v;
            if (left != mulmod(scale, _layer(position, lambda), R)) revert LayerDoesNotHold(v);
            transcript.absorb(HALVES, position, position + WORD * 4);
            point[0] = transcript.challenge(HALF_);
            claim =
                FractionsClaim(point, _between(position, point[0]), _between(position + WORD * 2, point[0]));
            position += WORD * 4;
        }
    }

    /// The claim about the highest layer.
    function _top(Transcript memory transcript, uint256 position)
        private
        pure
        returns (FractionsClaim memory)
    {
        uint256 end = position + WORD * 2 * FEW;
        transcript.absorb(TOPS, position, end);
        uint256[] memory point = new uint256[](TOP);
        for (uint256 i = 0; i < TOP; i++) {
            point[i] = transcript.challenge(POINT);
        }
        return FractionsClaim(point, _folded(position, point), _folded(position + WORD * FEW, point));
    }

    /// A polynomial at a point, by its values in the calldata.
    function _folded(uint256 position, uint256[] memory point) private pure returns (uint256) {
        uint256[] memory values = new uint256[](FEW);
        for (uint256 i = 0; i < FEW; i++) {
            values[i] = Field.at(position + WORD * i);
        }
        for (uint256 i = 0; i < TOP; i++) {
            uint256 half = FEW >> (i + 1);
            for (uint256 j = 0; j < half; j++) {
                values[j] = _line(values[j], values[j + half], point[i]);
            }
        }
        return values[0];
    }

    /// p₀·q₁ + p₁·q₀ + λ·q₀·q₁ of the four halves at a position.
    function _layer(uint256 position, uint256 lambda) private pure returns (uint256) {
        uint256 q0 = Field.at(position + WORD * 2);
        uint256 q1 = Field.at(position + WORD * 3);
        (uint256 p, uint256 q) = add(Field.at(position), q0, Field.at(position + WORD), q1);
        return addmod(p, mulmod(lambda, q, R), R);
    }

    function _between(uint256 position, uint256 r) private pure returns (uint256) {
        return _line(Field.at(position), Field.at(position + WORD), r);
    }

    /// The value at r on the line from a at 0 to b at 1.
    function _line(uint256 a, uint256 b, uint256 r) private pure returns (uint256) {
        return addmod(a, mulmod(r, Field.sub(b, a), R), R);
    }
}
