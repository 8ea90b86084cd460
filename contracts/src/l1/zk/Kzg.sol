// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Curve, G2Point, Point} from "./Curve.sol";
import {Field, HALF, R, WORD} from "./Field.sol";
import {Transcript, Transcripts} from "./Transcript.sol";

/// Powers of the secret τ of the polynomial commitments, as far as openings need them. `development`: whoever made them
/// may know it.
struct Setup {
    bool development;
    Point[2] first; // τ·G₁, τ²·G₁
    G2Point firstAndSecond; // (τ + τ²)·G₂
    G2Point third; // τ³·G₂
}

/// Openings of committed multilinear polynomials (prover/zk/kzg.py).
library Kzg {
    using Transcripts for Transcript;
    using Curve for Point;

    bytes32 private constant FOLDS = keccak256("folds");
    bytes32 private constant RHO = keccak256("rho");
    bytes32 private constant VALUES = keccak256("values");
    bytes32 private constant Q = keccak256("q");

    error RhoIsDegenerate();
    error FoldsEndElsewhere(uint256 found, uint256 expected);
    error OpeningDoesNotHold();

    /// Values at ρ, −ρ and ρ² of all that is opened, together.
    struct Values {
        uint256 plus;
        uint256 minus;
        uint256 square;
    }

    /// Words of an opening: folds, values, quotient.
    function size(uint256 variables) internal pure returns (uint256) {
        return 2 * (variables - 1) + 2 * variables + 1 + 2;
    }

    /// Reverts unless the polynomial of `commitment` is `value` at `point`.
    function check(
        Setup memory setup,
        Transcript memory transcript,
        Point memory commitment,
        uint256[] memory point,
        uint256 value,
        uint256 position
    ) internal view {
        uint256 shown = position + WORD * 2 * (point.length - 1);
        uint256 quotient = shown + WORD * (2 * point.length + 1);
        // 1. The folds, and ρ, which must tell ρ, −ρ and ρ² apart.
        transcript.absorb(FOLDS, position, shown);
        uint256 rho = transcript.challenge(RHO);
        if (rho == 0 || mulmod(rho, rho, R) == 1) revert RhoIsDegenerate();
        // 2. What each fold leaves.
        Field.check(shown, quotient);
        transcript.absorb(VALUES, shown, quotient);
        uint256 q = transcript.challenge(Q);
        Values memory values = _together(shown, point, value, rho, q);
        // 3. All of them together have these values.
        uint256 weight = 1;
        for (; position < shown; position += WORD * 2) {
            weight = mulmod(weight, q, R);
            commitment.addMultiple(Curve.at(position), weight);
        }
        commitment = commitment.add(_interpolant(setup, rho, values).negate());
        if (!_divides(setup, commitment, Curve.at(quotient), rho)) revert OpeningDoesNotHold();
    }

    /// Σ qⁱ·fᵢ at ρ, −ρ and ρ², where 2ρ·fᵢ₊₁(ρ²) = ρ·(1 − x)·(fᵢ(ρ) + fᵢ(−ρ)) + x·(fᵢ(ρ) − fᵢ(−ρ)): the index's lowest
    /// bit, the last variable, is bound first. The last fold is the value.
    function _together(uint256 shown, uint256[] memory point, uint256 value, uint256 rho, uint256 q)
        private
        view
        returns (Values memory values)
    {
        uint256 over = Field.inverse(rho);
        uint256 weight = 1;
        uint256 fold = Field.at(shown + WORD * 2 * point.length); // f₀(ρ²)
        for (uint256 i = point.length; i > 0; i--) {
            uint256 plus = Field.at(shown);
            uint256 minus = Field.at(shown + WORD);
            values.plus = addmod(values.plus, mulmod(weight, plus, R), R);
            values.minus = addmod(values.minus, mulmod(weight, minus, R), R);
            values.square = addmod(values.square, mulmod(weight, fold, R), R);
            uint256 x = point[i - 1];
            uint256 even = mulmod(1 + R - x, plus + minus, R);
            uint256 odd = mulmod(mulmod(x, plus + R - minus, R), over, R);
            fold = mulmod(even + odd, HALF, R);
            weight = mulmod(weight, q, R);
            shown += WORD * 2;
        }
        if (fold != value) revert FoldsEndElsewhere(fold, value);
    }

    /// The polynomial of degree 2 through the values at ρ, −ρ and ρ², committed to.
    function _interpolant(Setup memory setup, uint256 rho, Values memory values)
        private
        view
        returns (Point memory interpolant)
    {
        uint256 square = mulmod(rho, rho, R);
        uint256 even = mulmod(values.plus + values.minus, HALF, R);
        uint256 linear = mulmod(mulmod(values.plus + R - values.minus, HALF, R), Field.inverse(rho), R);
        uint256 quadratic = Field.sub(Field.sub(values.square, mulmod(linear, square, R)), even);
        quadratic = mulmod(quadratic, Field.inverse(mulmod(square, square - 1, R)), R);
        interpolant = Point(1, 2).multiply(Field.sub(even, mulmod(quadratic, square, R)));
        interpolant.addMultiple(setup.first[0], linear);
        interpolant.addMultiple(setup.first[1], quadratic);
    }

    /// e(dividend, G₂) = e(quotient, [Z]₂), where Z = X³ − ρ²·(X² + X) + ρ⁴ is zero at ρ, −ρ and ρ².
    function _divides(Setup memory setup, Point memory dividend, Point memory quotient, uint256 rho)
        private
        view
        returns (bool)
    {
        uint256 square = mulmod(rho, rho, R);
        dividend.addMultiple(quotient, R - mulmod(square, square, R));
        return Curve.product(
            dividend,
            Curve.generator2(),
            quotient.multiply(square),
            setup.firstAndSecond,
            quotient.negate(),
            setup.third
        );
    }
}
