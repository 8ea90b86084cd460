// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Rollup} from "../src/l1/Rollup.sol";
import {BatchHeader} from "../src/lib/BatchHeader.sol";
import {Opening, Openings} from "../src/lib/Openings.sol";
import {L1} from "./L1.sol";

/// Batches in blobs: L1 takes their hashes from the transaction, and binds them to the proven data by openings.
contract BlobsTest is L1 {
    string private _json = vm.readFile("test/vectors/wire.json");
    bytes32 private _digest = vm.parseJsonBytes32(_json, ".blobs.dataDigest");
    bytes32[] private _hashes = vm.parseJsonBytes32Array(_json, ".blobs.versionedHashes");

    function _made() private view returns (Made memory made) {
        made = next(0, 0, bytes32(0));
        made.header.dataHash = keccak256(abi.encodePacked(_hashes));
        bytes32[] memory y = vm.parseJsonBytes32Array(_json, ".blobs.y");
        bytes32[] memory z = vm.parseJsonBytes32Array(_json, ".blobs.z");
        bytes[] memory commitments = vm.parseJsonBytesArray(_json, ".blobs.commitments");
        bytes[] memory proofs = vm.parseJsonBytesArray(_json, ".blobs.proofs");
        made.openings = new Opening[](2);
        made.points = new bytes32[](4);
        for (uint256 i = 0; i < 2; i++) {
            made.openings[i] = Opening(y[i], commitments[i], proofs[i]);
            (made.points[2 * i], made.points[2 * i + 1]) = (z[i], y[i]);
        }
    }

    function _commitBlobs() private {
        vm.blobhashes(_hashes);
        vm.prank(relayer);
        rollup.commitBatch(2, 1, 0);
    }

    /// The statement with the digest of the blobs' data, which these tests do not have at hand.
    function _seal(Made memory made, bytes32 prover) private view returns (bytes memory) {
        bytes32 hash = keccak256(
            bytes.concat(
                abi.encode(
                    keccak256("Jovay statement 1"),
                    block.chainid,
                    rollup,
                    uint256(L2_CHAIN),
                    keccak256("configuration"),
                    made.header.parentBatchHash,
                    keccak256(encode(made.header)),
                    made.parent.stateRoot
                ),
                abi.encode(
                    made.output.stateRoot,
                    made.parent.lastBlockHash,
                    made.output.lastBlockHash,
                    uint256(made.output.lastTimestamp),
                    made.output.l2MsgRoot,
                    _digest,
                    keccak256(abi.encodePacked(made.points))
                )
            )
        );
        return verifier.prove(hash, prover);
    }

    function _proof(Made memory made, bytes32 digest, bytes32 prover) private view returns (bytes memory) {
        return abi.encode(
            made.output.lastBlockHash, made.output.lastTimestamp, digest, made.openings, _seal(made, prover)
        );
    }

    function _verify(uint8 proveType, Made memory made, bytes memory proof) private {
        rollup.verifyBatch(proveType, encode(made.header), made.output.stateRoot, made.output.l2MsgRoot, proof);
    }

    function test_a_batch_in_blobs_becomes_final() public {
        _commitBlobs();
        Made memory made = _made();
        vm.assertEq(rollup.committedBatches(1), keccak256(encode(made.header)));
        vm.assertEq(rollup.batch(1).blobs, 2);
        _verify(1, made, _proof(made, _digest, ENCLAVE));
        _verify(0, made, _proof(made, _digest, PROGRAM));
        vm.assertEq(rollup.lastFinalizedBatch(), 1);
    }

    function test_the_second_proof_of_a_statement_needs_no_openings_checked_again() public {
        _commitBlobs();
        Made memory made = _made();
        _verify(1, made, _proof(made, _digest, ENCLAVE));
        made.openings[0].proof = new bytes(48);
        made.openings[1].proof = "";
        _verify(0, made, _proof(made, _digest, PROGRAM));
        vm.assertEq(rollup.lastFinalizedBatch(), 1);
    }

    function test_openings_that_do_not_hold_are_refused() public {
        _commitBlobs();
        Made memory made = _made();
        made.openings[0].proof = made.openings[1].proof;
        bytes memory proof = _proof(made, _digest, ENCLAVE);
        vm.expectPartialRevert(Openings.WrongOpening.selector);
        _verify(1, made, proof);
        made = _made();
        proof = _proof(made, keccak256("other data"), ENCLAVE);
        vm.expectPartialRevert(Openings.WrongOpening.selector);
        _verify(1, made, proof);
    }

    function test_openings_of_other_blobs_are_refused() public {
        _commitBlobs();
        Made memory made = _made();
        (made.openings[0], made.openings[1]) = (made.openings[1], made.openings[0]);
        bytes memory proof = _proof(made, _digest, ENCLAVE);
        vm.expectPartialRevert(Rollup.WrongData.selector);
        _verify(1, made, proof);
        made = _made();
        Opening[] memory one = new Opening[](1);
        one[0] = made.openings[0];
        made.openings = one;
        proof = _proof(made, _digest, ENCLAVE);
        vm.expectRevert(abi.encodeWithSelector(Rollup.WrongNumberOfOpenings.selector, 1, 2));
        _verify(1, made, proof);
    }

    /// Calldata that spell versioned hashes have the dataHash of blobs which nobody has published.
    function test_calldata_do_not_pass_for_blobs() public {
        Made memory made = _made();
        made.data = abi.encodePacked(_hashes);
        commit(made, 0);
        vm.assertEq(rollup.committedBatches(1), keccak256(encode(made.header)));
        bytes memory proof = _proof(made, _digest, ENCLAVE);
        vm.expectRevert(abi.encodeWithSelector(Rollup.WrongNumberOfOpenings.selector, 2, 0));
        _verify(1, made, proof);
    }

    function test_everyone_commits_blobs_too() public {
        send(0);
        vm.warp(START + clocks.opening);
        vm.blobhashes(_hashes);
        Made memory made = _made();
        made.header.l1MsgRollingHash = mailbox.getMsg(1);
        bytes memory zk = _proof(made, _digest, PROGRAM);
        bytes memory tee = _proof(made, _digest, ENCLAVE);
        rollup.commitAndVerify(2, 1, "", made.output.stateRoot, made.output.l2MsgRoot, zk, tee);
        vm.assertEq(rollup.lastFinalizedBatch(), 1);
    }
}
