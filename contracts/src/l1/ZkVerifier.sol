// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IProofVerifier} from "../interfaces/IProofVerifier.sol";
import {R, WORD} from "./zk/Field.sol";
import {Setup} from "./zk/Kzg.sol";
import {Key, Message, Tables} from "./zk/Tables.sol";

/// Proofs that a program, run by the machine of docs/zk.md on some input, ends with status 0 and leaves a statement's
/// hash as its output. One contract for one program, which the owner or the council can take back, for good.
contract ZkVerifier is IProofVerifier, Tables {
    string public constant CONTRACT_VERSION = "1.0.0";

    // Buses, and what is said on them (prover/zk/machine/buses.py).
    uint256 private constant STATE = 2;
    uint256 private constant EXIT = 6;
    uint256 private constant ORDER = 11;
    uint256 private constant OUTPUT = 13;
    uint256 private constant MINUS_ONE = R - 1;
    /// The pc of a machine that has stopped.
    uint256 private constant STOPPED = R - (1 << 100);
    /// Number of the word in which the output's length lies; its bytes follow.
    uint256 private constant OUTPUT_WORD = 0x2000_0000 / 8;

    address public immutable owner;
    address public immutable council;
    /// That of the key: of the program, and of all that the machine's chips demand.
    bytes32 public immutable programDigest;
    /// The pc at which the program begins.
    uint256 public immutable entry;

    bool private _revoked;

    event ProgramRevoked(bytes32 indexed programDigest);

    error NotOwnerOrCouncil(address caller);
    error ProgramIsRevoked(bytes32 programDigest);
    error CyclesOutOfRange(uint256 cycles);

    constructor(address owner_, address council_, uint256 entry_, Key memory key, Setup memory setup)
        Tables(key, setup)
    {
        (owner, council, entry) = (owner_, council_, entry_);
        programDigest = key.digest;
    }

    /// @param proof number of instructions (a word), then the proof about the machine's tables
    /// @return proverId the digest of the program
    function verify(bytes32 statementHash, uint256, bytes calldata proof)
        external
        view
        returns (bytes32 proverId)
    {
        if (_revoked) revert ProgramIsRevoked(programDigest);
        if (proof.length < WORD) revert ProofLength(proof.length, WORD);
        uint256 cycles = uint256(bytes32(proof[:WORD]));
        if (cycles >= 1 << 64) revert CyclesOutOfRange(cycles);
        _check(_messages(statementHash, cycles), proof[WORD:]);
        return programDigest;
    }

    function isRevoked(bytes32 proverId) external view returns (bool) {
        return _revoked && proverId == programDigest;
    }

    /// Claims that stand on the program can be voided from now on.
    function revokeProgram() external {
        if (msg.sender != owner && msg.sender != council) revert NotOwnerOrCouncil(msg.sender);
        _revoked = true;
        emit ProgramRevoked(programDigest);
    }

    /// How the machine begins and ends, and what its output is.
    function _messages(bytes32 output, uint256 cycles) private view returns (Message[] memory messages) {
        messages = new Message[](9);
        messages[0] = Message(STATE, 1, _pair(1, entry));
        messages[1] = Message(STATE, MINUS_ONE, _pair(cycles + 1, STOPPED));
        messages[2] = Message(EXIT, MINUS_ONE, new uint256[](1)); // status 0
        messages[3] = Message(ORDER, 1, _pair(0, MINUS_ONE));
        messages[4] = Message(OUTPUT, MINUS_ONE, _pair(OUTPUT_WORD, WORD));
        for (uint256 i = 0; i < 4; i++) {
            uint64 word = _reversed(uint64(uint256(output) >> (192 - 64 * i)));
            messages[5 + i] = Message(OUTPUT, MINUS_ONE, _pair(OUTPUT_WORD + 1 + i, word));
        }
    }

    function _pair(uint256 a, uint256 b) private pure returns (uint256[] memory values) {
        values = new uint256[](2);
        (values[0], values[1]) = (a, b);
    }

    /// Eight bytes in the other order: the machine's words are little-endian.
    function _reversed(uint64 word) private pure returns (uint64) {
        word = ((word & 0x00ff00ff00ff00ff) << 8) | ((word >> 8) & 0x00ff00ff00ff00ff);
        word = ((word & 0x0000ffff0000ffff) << 16) | ((word >> 16) & 0x0000ffff0000ffff);
        return (word << 32) | (word >> 32);
    }
}
