// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Rollup} from "../src/l1/Rollup.sol";
import {Statement, Statements} from "../src/lib/Statement.sol";
import {L1} from "./L1.sol";

/// The statement binds all its fields, and Rollup takes none of them from whoever sends a proof alone.
contract StatementTest is L1 {
    /// forge-config: default.fuzz.runs = 128
    function test_every_field_is_in_the_hash(bytes32[14] calldata words, uint256 field, bytes32 other) public pure {
        field = bound(field, 0, 13);
        bytes32[14] memory base = words;
        base[0] = bytes32(uint256(words[0]));
        base[1] = bytes32(uint256(uint160(uint256(words[1]))));
        base[2] = bytes32(uint256(uint64(uint256(words[2]))));
        base[10] = bytes32(uint256(uint64(uint256(words[10]))));
        bytes32[14] memory changed = abi.decode(abi.encode(base), (bytes32[14]));
        if (field == 1) other = bytes32(uint256(uint160(uint256(other))));
        if (field == 2 || field == 10) other = bytes32(uint256(uint64(uint256(other))));
        vm.assume(other != base[field]);
        changed[field] = other;
        bytes32 hash = Statements.hash(abi.decode(abi.encode(base), (Statement)));
        vm.assertNotEq(hash, Statements.hash(abi.decode(abi.encode(changed), (Statement))));
        vm.assertEq(hash, keccak256(abi.encode(keccak256("Jovay statement 1"), base)));
    }

    /// Rollup finds another statement than the prover's when any part of what it is given differs.
    /// forge-config: default.fuzz.runs = 128
    function test_a_proof_holds_for_what_it_says_only(uint8 part, bytes32 other) public {
        Made memory made = next(0);
        commit(made, 0);
        bytes memory sealed_ = verifier.prove(statement(made), ENCLAVE);
        Rollup.Output memory o = made.output;
        bytes32 digest = made.digest;
        part = uint8(bound(part, 0, 4));
        if (part == 0) o.stateRoot = _another(o.stateRoot, other);
        if (part == 1) o.l2MsgRoot = _another(o.l2MsgRoot, other);
        if (part == 2) o.lastBlockHash = _another(o.lastBlockHash, other);
        if (part == 3) o.lastTimestamp -= uint64(1 + uint256(other) % 5000);
        if (part == 4) digest = _another(digest, other);
        bytes memory proof = abi.encode(o.lastBlockHash, o.lastTimestamp, digest, made.openings, sealed_);
        vm.expectPartialRevert(part == 4 ? Rollup.WrongData.selector : bytes4(keccak256("BadProof(bytes32)")));
        rollup.verifyBatch(1, encode(made.header), o.stateRoot, o.l2MsgRoot, proof);
    }

    function test_another_chain_is_another_statement() public {
        Made memory made = next(0);
        commit(made, 0);
        bytes memory proof = proofOf(made, ENCLAVE);
        vm.chainId(block.chainid + 1);
        vm.expectPartialRevert(bytes4(keccak256("BadProof(bytes32)")));
        rollup.verifyBatch(1, encode(made.header), made.output.stateRoot, 0, proof);
    }

    function test_another_parent_is_another_statement() public {
        Made memory made = next(0);
        commit(made, 0);
        made.parent.lastBlockHash = keccak256("another parent");
        bytes memory proof = proofOf(made, ENCLAVE);
        vm.expectPartialRevert(bytes4(keccak256("BadProof(bytes32)")));
        rollup.verifyBatch(1, encode(made.header), made.output.stateRoot, 0, proof);
    }

    function _another(bytes32 value, bytes32 other) private pure returns (bytes32) {
        return other == value ? keccak256(abi.encode(other)) : other;
    }
}
