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
        made.digest = _digest;
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
        vm.prank(relayer, relayer);
        rollup.commitBatch(2, 1, 0);
    }

    function _verify(uint8 proveType, Made memory made, bytes memory proof) private {
        rollup.verifyBatch(proveType, encode(made.header), made.output.stateRoot, made.output.l2MsgRoot, proof);
    }

    function test_a_batch_in_blobs_becomes_final() public {
        _commitBlobs();
        Made memory made = _made();
        vm.assertEq(rollup.committedBatches(1), keccak256(encode(made.header)));
        vm.assertEq(rollup.batch(1).blobs, 2);
        _verify(1, made, proofOf(made, ENCLAVE));
        _verify(0, made, proofOf(made, PROGRAM));
        vm.assertEq(rollup.lastFinalizedBatch(), 1);
    }

    function test_the_second_proof_of_a_statement_needs_no_openings_checked_again() public {
        _commitBlobs();
        Made memory made = _made();
        _verify(1, made, proofOf(made, ENCLAVE));
        made.openings[0].proof = new bytes(48);
        made.openings[1].proof = "";
        _verify(0, made, proofOf(made, PROGRAM));
        vm.assertEq(rollup.lastFinalizedBatch(), 1);
    }

    function test_openings_that_do_not_hold_are_refused() public {
        _commitBlobs();
        Made memory made = _made();
        made.openings[0].proof = made.openings[1].proof;
        bytes memory proof = proofOf(made, ENCLAVE);
        vm.expectPartialRevert(Openings.WrongOpening.selector);
        _verify(1, made, proof);
        made = _made();
        made.digest = keccak256("other data");
        proof = proofOf(made, ENCLAVE);
        vm.expectPartialRevert(Openings.WrongOpening.selector);
        _verify(1, made, proof);
    }

    function test_openings_of_other_blobs_are_refused() public {
        _commitBlobs();
        Made memory made = _made();
        (made.openings[0], made.openings[1]) = (made.openings[1], made.openings[0]);
        bytes memory proof = proofOf(made, ENCLAVE);
        vm.expectPartialRevert(Rollup.WrongData.selector);
        _verify(1, made, proof);
        made = _made();
        Opening[] memory one = new Opening[](1);
        one[0] = made.openings[0];
        made.openings = one;
        proof = proofOf(made, ENCLAVE);
        vm.expectRevert(abi.encodeWithSelector(Rollup.WrongNumberOfOpenings.selector, 1, 2));
        _verify(1, made, proof);
    }

    /// Calldata that spell versioned hashes have the dataHash of blobs which nobody has published.
    function test_calldata_do_not_pass_for_blobs() public {
        Made memory made = _made();
        made.data = abi.encodePacked(_hashes);
        commit(made, 0);
        vm.assertEq(rollup.committedBatches(1), keccak256(encode(made.header)));
        bytes memory proof = proofOf(made, ENCLAVE);
        vm.expectRevert(abi.encodeWithSelector(Rollup.WrongNumberOfOpenings.selector, 2, 0));
        _verify(1, made, proof);
    }

    function test_everyone_commits_blobs_too() public {
        send(0);
        vm.warp(START + clocks.opening);
        vm.blobhashes(_hashes);
        Made memory made = _made();
        made.header.l1MsgRollingHash = mailbox.getMsg(1);
        bytes memory zk = proofOf(made, PROGRAM);
        bytes memory tee = proofOf(made, ENCLAVE);
        rollup.commitAndVerify(2, 1, "", made.output.stateRoot, made.output.l2MsgRoot, zk, tee);
        vm.assertEq(rollup.lastFinalizedBatch(), 1);
    }
}
