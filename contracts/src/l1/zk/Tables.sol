// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Curve, Point} from "./Curve.sol";
import {Field, R, WORD} from "./Field.sol";
import {Fractions, FractionsClaim} from "./Fractions.sol";
import {Kzg, Setup} from "./Kzg.sol";
import {Prefixes, Walk} from "./Prefixes.sol";
import {Sumcheck} from "./Sumcheck.sol";
import {Transcript, Transcripts} from "./Transcript.sol";

/// How much there is of a chip. `height`: of its fixed columns, in variables; 0 if it has none.
struct Chip {
    uint16 own;
    uint16 fixed_;
    bool index; // whether it has the computed column of the rows' numbers
    uint16 messages;
    uint8 height;
}

/// What is proven about: chips, and what is known of their tables beforehand.
struct Key {
    bytes32 digest; // of chips and fixed columns, as the transcript hears it
    Chip[] chips;
    uint256 constraints; // of all chips
    uint256 degree; // the highest of a chip
    uint256 width; // the most values of a message
    uint256 fixedVariables; // of a piece of the fixed columns
    Point[] fixedPieces;
    address[] evaluators; // of the chips' formulas, in their order (prover/zk/solidity/evaluators.py)
}

/// A message that is public: it joins what tables send and receive.
struct Message {
    uint256 bus;
    uint256 multiplicity;
    uint256[] values;
}

/// Verifies that tables are known which fulfil their chips and whose messages are balanced (docs/zk.md; the mirror of
/// prover/zk/verifier.py). A proof is words in calldata, whose form follows from the heights of the tables.
abstract contract Tables {
    using Transcripts for Transcript;
    using Prefixes for Walk;
    using Curve for Point;

    /// A proof that is being verified: its form, and where its parts begin in the calldata.
    struct Run {
        Key key;
        Setup setup;
        Transcript transcript;
        Chip[] chips;
        uint256[] heights; // variables of each table's rows
        uint256[] order; // the chips, highest table first
        uint256 rows; // variables of the highest
        uint256 fractions; // of all messages
        uint256 leaves; // variables of these
        uint256 piece; // variables of a piece of the own columns
        uint256 ownPieces;
        Positions at;
        Arguments memory_;
    }

    struct Positions {
        uint256 heights;
        uint256 commitments;
        uint256 fractions;
        uint256 rows;
        uint256 values;
        uint256 reduction;
        uint256 pieces;
        uint256 opening;
        uint256 end;
    }

    /// Where the evaluators' arguments begin in memory, and their parts.
    struct Arguments {
        uint256 header;
        uint256 computed;
        uint256 weights;
        uint256 values;
        uint256 end;
    }

    /// Columns as they lie in the pieces: what is known of the next one.
    struct Columns {
        uint256[] point; // of the pieces
        uint256[] powers; // μ^(2^i)
        uint256 power; // of μ, with what else all columns are multiplied by
        uint256 start; // in all pieces
        uint256[] weights; // of the pieces, so far
        uint256[] inRows; // eq of the last coordinates of both points, of so many
    }

    uint256 private constant LEAST_HEIGHT = 3;
    uint256 private constant MOST_HEIGHT = 31;
    /// A piece has so many variables less than all own cells together.
    uint256 private constant PIECES_BITS = 5;
    /// Words of the evaluators' arguments before γ·β₁: R, γ, the sum so far, γ·α.
    uint256 private constant HEADER = 4;
    uint256 private constant DEVELOPMENT_CHAIN = 31337;
    string private constant PROTOCOL = "Jovay tables 2";

    bytes32 private constant KEY = keccak256("key");
    bytes32 private constant PUBLIC = keccak256("public");
    bytes32 private constant HEIGHTS = keccak256("heights");
    bytes32 private constant COMMITMENTS = keccak256("commitments");
    bytes32 private constant ALPHA = keccak256("alpha");
    bytes32 private constant BETA = keccak256("beta");
    bytes32 private constant GAMMA = keccak256("gamma");
    bytes32 private constant COLUMNS = keccak256("columns");
    bytes32 private constant MU = keccak256("mu");
    bytes32 private constant PIECES = keccak256("pieces");
    bytes32 private constant NU = keccak256("nu");

    /// A contract whose code is the key and the set-up.
    address private immutable _known;

    error DevelopmentSetup(uint256 chainId);
    error ProofLength(uint256 given, uint256 expected);
    error HeightOutOfRange(uint256 chip, uint256 height);
    error HeightOfFixedColumns(uint256 chip, uint256 given, uint256 expected);
    error HeightsAreNotPadded();
    error DenominatorIsZero();
    error FractionsAreNotZero(uint256 numerator);
    error KeyTooLong(uint256 length);
    error EvaluatorFailed(address evaluator);
    error RowsDoNotHold();
    error ReductionDoesNotHold();

    constructor(Key memory key, Setup memory setup) {
        if (setup.development && block.chainid != DEVELOPMENT_CHAIN) revert DevelopmentSetup(block.chainid);
        bytes memory known = abi.encode(key, setup);
        // Its creation code gives back what is behind its first ten bytes.
        bytes memory creation = abi.encodePacked(hex"61", uint16(known.length), hex"80600a3d393df3", known);
        address made;
        assembly ("memory-safe") {
            made := create(0, add(creation, 32), mload(creation))
        }
        if (made == address(0)) revert KeyTooLong(known.length);
        _known = made;
    }

    /// The key and the set-up.
    function _read() private view returns (Key memory, Setup memory) {
        return abi.decode(_known.code, (Key, Setup));
    }

    /// Reverts unless `proof` shows that the public messages are what tables leave open.
    function _check(Message[] memory messages, bytes calldata proof) internal view {
        Run memory run;
        (run.key, run.setup) = _read();
        _begin(run, proof);
        // 1. The statement, the heights, the commitments.
        _absorb(run, messages);
        (uint256 alpha, uint256[] memory betas) = _fingerprint(run.transcript, run.key.width);
        // 2. Messages are fractions, whose sum is zero.
        FractionsClaim memory claim = Fractions.check(run.transcript, run.at.fractions, run.leaves);
        _checkBalance(run.at.fractions, messages, alpha, betas);
        // 3, 4. Claims about messages, and constraints that are zero, in one sumcheck.
        uint256[] memory point = _checkRows(run, claim, alpha, betas);
        // 5, 6. The columns' values are those of the commitments.
        _checkColumns(run, point);
    }

    // ---- the form of a proof

    function _begin(Run memory run, bytes calldata proof) private pure {
        run.chips = run.key.chips;
        run.transcript = Transcripts.begin(PROTOCOL);
        uint256 heights = (run.chips.length + WORD - 1) / WORD * WORD;
        if (proof.length < heights) revert ProofLength(proof.length, heights);
        (uint256 cells, uint256 leaves, uint256 values) = _measure(run, proof[:heights]);
        (run.fractions, run.leaves) = (leaves, _max(run.rows, _places(leaves)));
        run.piece = _max(run.rows, _max(_places(cells), PIECES_BITS) - PIECES_BITS);
        run.ownPieces = (cells + (1 << run.piece) - 1) >> run.piece;
        uint256 pieces = run.ownPieces + run.key.fixedPieces.length;
        Positions memory at = run.at;
        assembly ("memory-safe") {
            mstore(at, proof.offset)
        }
        at.commitments = at.heights + heights;
        at.fractions = at.commitments + WORD * 2 * run.ownPieces;
        at.rows = at.fractions + WORD * Fractions.size(run.leaves);
        at.values = at.rows + WORD * run.rows * run.key.degree;
        at.reduction = at.values + WORD * values;
        at.pieces = at.reduction + WORD * 2 * run.piece;
        at.opening = at.pieces + WORD * pieces;
        at.end = at.opening + WORD * Kzg.size(run.piece);
        if (proof.length != at.end - at.heights) revert ProofLength(proof.length, at.end - at.heights);
        Field.check(at.fractions, at.opening);
    }

    /// Reads the heights; counts own cells, leaves and columns, and sorts the chips.
    function _measure(Run memory run, bytes calldata heights)
        private
        pure
        returns (uint256 cells, uint256 leaves, uint256 values)
    {
        uint256 count = run.chips.length;
        run.heights = new uint256[](count);
        uint256[] memory next = new uint256[](MOST_HEIGHT + 2); // place in the order for each height, then that below
        for (uint256 i = 0; i < count; i++) {
            Chip memory chip = run.chips[i];
            uint256 height = uint8(heights[i]);
            if (height < LEAST_HEIGHT || height > MOST_HEIGHT) revert HeightOutOfRange(i, height);
            if (chip.fixed_ > 0 && height != chip.height) {
                revert HeightOfFixedColumns(i, height, chip.height);
            }
            run.heights[i] = height;
            run.rows = _max(run.rows, height);
            next[height]++;
            cells += uint256(chip.own) << height;
            leaves += uint256(chip.messages) << height;
            values += uint256(chip.own) + chip.fixed_;
        }
        for (uint256 i = count; i < heights.length; i++) {
            if (heights[i] != 0) revert HeightsAreNotPadded();
        }
        uint256 place = 0;
        for (uint256 height = MOST_HEIGHT; height >= LEAST_HEIGHT; height--) {
            (next[height], place) = (place, place + next[height]);
        }
        run.order = new uint256[](count);
        for (uint256 i = 0; i < count; i++) {
            run.order[next[run.heights[i]]++] = i;
        }
    }

    /// Variables that tell `count` things apart.
    function _places(uint256 count) private pure returns (uint256 bits) {
        for (; 1 << bits < count; bits++) {}
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    function _max(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }

    // ---- statement and messages

    function _absorb(Run memory run, Message[] memory messages) private pure {
        Transcript memory transcript = run.transcript;
        transcript.absorb(KEY, abi.encode(run.key.digest));
        for (uint256 i = 0; i < messages.length; i++) {
            Message memory message = messages[i];
            transcript.absorb(PUBLIC, abi.encodePacked(message.bus, message.multiplicity, message.values));
        }
        Positions memory at = run.at;
        transcript.absorb(HEIGHTS, at.heights, at.commitments);
        transcript.absorb(COMMITMENTS, at.commitments, at.fractions);
    }

    function _fingerprint(Transcript memory transcript, uint256 width)
        private
        pure
        returns (uint256 alpha, uint256[] memory betas)
    {
        alpha = transcript.challenge(ALPHA);
        betas = new uint256[](width);
        for (uint256 i = 0; i < betas.length; i++) {
            betas[i] = transcript.challenge(BETA);
        }
    }

    /// The fractions of tables and public messages add up to 0/q, where q is not zero.
    function _checkBalance(uint256 position, Message[] memory messages, uint256 alpha, uint256[] memory betas)
        private
        pure
    {
        (uint256 top, uint256 bottom) = Fractions.total(position);
        for (uint256 i = 0; i < messages.length; i++) {
            uint256[] memory values = messages[i].values;
            uint256 denominator = addmod(alpha, messages[i].bus, R);
            for (uint256 j = 0; j < values.length; j++) {
                denominator = addmod(denominator, mulmod(betas[j], values[j], R), R);
            }
            (top, bottom) = Fractions.add(top, bottom, messages[i].multiplicity, denominator);
        }
        if (bottom == 0) revert DenominatorIsZero();
        if (top != 0) revert FractionsAreNotZero(top);
    }

    // ---- rows

    /// The point at which the columns have the values that the proof shows.
    function _checkRows(Run memory run, FractionsClaim memory messages, uint256 alpha, uint256[] memory betas)
        private
        view
        returns (uint256[] memory point)
    {
        _allocate(run, betas.length);
        _weigh(run, messages.point);
        uint256 filling = Prefixes.above(messages.point, run.fractions);
        uint256 gamma = run.transcript.challenge(GAMMA);
        uint256 first = Field.power(gamma, run.key.constraints); // the weight of the claim about numerators
        uint256 claim = addmod(messages.p, mulmod(gamma, Field.sub(messages.q, filling), R), R);
        uint256[] memory tau = _last(messages.point, run.rows);
        uint256 left;
        uint256 scale;
        (point, left, scale) =
            Sumcheck.eq(run.transcript, run.at.rows, run.key.degree, tau, mulmod(first, claim, R));
        run.transcript.absorb(COLUMNS, run.at.values, run.at.reduction);
        _fill(run, point, gamma, alpha, betas);
        if (left != mulmod(scale, _evaluated(run, first), R)) revert RowsDoNotHold();
    }

    /// Takes memory for the evaluators' arguments.
    function _allocate(Run memory run, uint256 width) private pure {
        Arguments memory found = run.memory_;
        uint256 start;
        assembly ("memory-safe") {
            start := mload(0x40)
        }
        found.header = start;
        found.computed = start + WORD * (HEADER + width);
        found.weights = found.computed;
        for (uint256 i = 0; i < run.chips.length; i++) {
            if (run.chips[i].index) found.weights += WORD;
            found.values += WORD * run.chips[i].messages; // so far without what lies before
        }
        found.values += found.weights;
        uint256 end = found.values + run.at.reduction - run.at.values;
        found.end = end;
        assembly ("memory-safe") {
            mstore(0x40, end)
        }
    }

    /// eq(prefix of each message's leaves, point): written down for the evaluators.
    function _weigh(Run memory run, uint256[] memory point) private pure {
        uint256 end = run.memory_.weights;
        uint256[] memory starts = new uint256[](run.chips.length);
        for (uint256 i = 0; i < starts.length; i++) {
            starts[i] = end;
            end += WORD * run.chips[i].messages;
        }
        Walk memory walk = Prefixes.begin(point);
        for (uint256 i = 0; i < starts.length; i++) {
            uint256 chip = run.order[i];
            walk.descend(run.leaves - run.heights[chip]);
            walk.write(run.chips[chip].messages, starts[chip]);
        }
    }

    /// The evaluators' arguments but for the weights.
    function _fill(
        Run memory run,
        uint256[] memory point,
        uint256 gamma,
        uint256 alpha,
        uint256[] memory betas
    ) private pure {
        Arguments memory to = run.memory_;
        uint256 position = to.header;
        _put(position, R);
        _put(position + WORD, gamma);
        _put(position + 2 * WORD, 0);
        _put(position + 3 * WORD, mulmod(gamma, alpha, R));
        position += HEADER * WORD;
        for (uint256 i = 0; i < betas.length; i++) {
            _put(position, mulmod(gamma, betas[i], R));
            position += WORD;
        }
        for (uint256 i = 0; i < run.chips.length; i++) {
            if (!run.chips[i].index) continue;
            _put(position, _number(point, run.heights[i]));
            position += WORD;
        }
        uint256 from = run.at.values;
        uint256 size = run.at.reduction - from;
        uint256 values = to.values;
        assembly ("memory-safe") {
            calldatacopy(values, from, size)
        }
    }

    /// The polynomial of the rows' numbers at the last coordinates of a point.
    function _number(uint256[] memory point, uint256 variables) private pure returns (uint256 total) {
        for (uint256 i = point.length - variables; i < point.length; i++) {
            total = addmod(addmod(total, total, R), point[i], R);
        }
    }

    /// Σ γⁱ·constraintᵢ + first·Σ weight·(multiplicity + γ·denominator).
    function _evaluated(Run memory run, uint256 first) private view returns (uint256) {
        uint256 header = run.memory_.header;
        uint256 size = run.memory_.end - header;
        uint256 constraints = 0;
        uint256 messages = 0;
        for (uint256 i = run.key.evaluators.length; i > 0; i--) {
            address evaluator = run.key.evaluators[i - 1];
            _put(header + 2 * WORD, constraints);
            uint256 part;
            bool success;
            assembly ("memory-safe") {
                success := staticcall(gas(), evaluator, header, size, 0, 64)
                success := and(success, eq(returndatasize(), 64))
                constraints := mload(0)
                part := mload(32)
            }
            if (!success) revert EvaluatorFailed(evaluator);
            messages = addmod(messages, part, R);
        }
        return addmod(constraints, mulmod(first, messages, R), R);
    }

    function _put(uint256 position, uint256 value) private pure {
        assembly ("memory-safe") {
            mstore(position, value)
        }
    }

    function _last(uint256[] memory point, uint256 count) private pure returns (uint256[] memory found) {
        found = new uint256[](count);
        for (uint256 i = 0; i < count; i++) {
            found[i] = point[point.length - count + i];
        }
    }

    // ---- columns

    /// All columns' values at the rows' point are led back to one value of the pieces, which is opened.
    function _checkColumns(Run memory run, uint256[] memory rows) private view {
        uint256 mu = run.transcript.challenge(MU);
        (uint256[] memory point, uint256 left) =
            Sumcheck.quadratic(run.transcript, run.at.reduction, run.piece, _columnsClaim(run, mu));
        run.transcript.absorb(PIECES, run.at.pieces, run.at.opening);
        uint256[] memory weights = _pieceWeights(run, rows, point, mu);
        for (uint256 i = 0; i < weights.length; i++) {
            left = Field.sub(left, mulmod(weights[i], Field.at(run.at.pieces + WORD * i), R));
        }
        if (left != 0) revert ReductionDoesNotHold();
        (Point memory commitment, uint256 value) = _together(run, weights.length);
        Kzg.check(run.setup, run.transcript, commitment, point, value, run.at.opening);
    }

    /// Σ νⁱ·pieceᵢ, and its value.
    function _together(Run memory run, uint256 count)
        private
        view
        returns (Point memory commitment, uint256 value)
    {
        uint256 nu = run.transcript.challenge(NU);
        uint256 power = 1;
        for (uint256 i = 0; i < count; i++) {
            value = addmod(value, mulmod(power, Field.at(run.at.pieces + WORD * i), R), R);
            commitment.addMultiple(_piece(run, i), power);
            power = mulmod(power, nu, R);
        }
    }

    /// The commitment to a piece: the own ones first.
    function _piece(Run memory run, uint256 number) private pure returns (Point memory) {
        if (number >= run.ownPieces) return run.key.fixedPieces[number - run.ownPieces];
        return Curve.at(run.at.commitments + WORD * 2 * number);
    }

    /// Σ μʲ·value of all columns, those of the highest tables first, own before fixed: by Horner's rule from the last.
    function _columnsClaim(Run memory run, uint256 mu) private pure returns (uint256 claim) {
        uint256[] memory starts = new uint256[](run.chips.length);
        uint256 position = run.at.values;
        for (uint256 i = 0; i < starts.length; i++) {
            starts[i] = position;
            position += WORD * (uint256(run.chips[i].own) + run.chips[i].fixed_);
        }
        for (uint256 i = 2 * starts.length; i > 0; i--) {
            uint256 chip = run.order[(i - 1) % starts.length];
            uint256 from = starts[chip];
            uint256 end = from + WORD * run.chips[chip].own;
            if (i > starts.length) (from, end) = (end, end + WORD * run.chips[chip].fixed_);
            assembly ("memory-safe") {
                let modulus := R
                for {} gt(end, from) {} {
                    end := sub(end, 32)
                    claim := addmod(mulmod(claim, mu, modulus), calldataload(end), modulus)
                }
            }
        }
    }

    /// What each piece's value counts: Σ of its columns' μʲ · eq(prefix, first coordinates) · eq(rows, last ones).
    function _pieceWeights(Run memory run, uint256[] memory rows, uint256[] memory point, uint256 mu)
        private
        pure
        returns (uint256[] memory)
    {
        uint256[] memory powers = new uint256[](point.length + 1);
        for (uint256 i = 0; i < powers.length; i++) {
            (powers[i], mu) = (mu, mulmod(mu, mu, R));
        }
        uint256[] memory weights = new uint256[](run.ownPieces + run.key.fixedPieces.length);
        Columns memory columns = Columns(point, powers, 1, 0, weights, _suffixes(rows, point));
        for (uint256 i = 0; i < run.order.length; i++) {
            uint256 chip = run.order[i];
            _addWeights(columns, run.heights[chip], run.chips[chip].own);
        }
        // Pieces of fixed columns have fewer variables: they are zero wherever one of the others is not.
        uint256 variables = run.key.fixedVariables;
        for (uint256 i = 0; i < point.length - variables; i++) {
            columns.power = mulmod(columns.power, 1 + R - point[i], R);
        }
        (columns.point, columns.start) = (_last(point, variables), run.ownPieces << variables);
        for (uint256 i = 0; i < run.order.length; i++) {
            uint256 chip = run.order[i];
            _addWeights(columns, run.heights[chip], run.chips[chip].fixed_);
        }
        return weights;
    }

    /// Of the next `count` columns, of a table of 2^height rows, piece by piece.
    function _addWeights(Columns memory columns, uint256 height, uint256 count) private pure {
        if (count == 0) return; // and the table may be higher than the pieces
        uint256 depth = columns.point.length - height;
        while (count > 0) {
            uint256 piece = columns.start >> (depth + height);
            uint256 first = (columns.start >> height) - (piece << depth);
            uint256 some = _min(count, (1 << depth) - first);
            (uint256 sum, uint256 less) =
                Prefixes.run(columns.point, columns.powers, depth, first, first + some);
            sum = mulmod(columns.power, sum, R);
            columns.power = mulmod(columns.power, _power(columns.powers, some), R);
            sum = Field.sub(sum, mulmod(columns.power, less, R));
            uint256 before = columns.weights[piece];
            columns.weights[piece] = addmod(before, mulmod(sum, columns.inRows[height], R), R);
            columns.start += some << height;
            count -= some;
        }
    }

    /// The power of a number whose powers to 2^i are known.
    function _power(uint256[] memory powers, uint256 exponent) private pure returns (uint256 power) {
        power = 1;
        assembly ("memory-safe") {
            let modulus := R
            for {} exponent { exponent := shr(1, exponent) } {
                powers := add(powers, 32)
                if and(exponent, 1) { power := mulmod(power, mload(powers), modulus) }
            }
        }
    }

    /// eq(last k coordinates of the rows' point, last k of the pieces' point) for every k.
    function _suffixes(uint256[] memory rows, uint256[] memory point)
        private
        pure
        returns (uint256[] memory products)
    {
        products = new uint256[](rows.length + 1);
        products[0] = 1;
        for (uint256 k = 1; k < products.length; k++) {
            products[k] = mulmod(products[k - 1], Field.eq(rows[rows.length - k], point[point.length - k]), R);
        }
    }
}
