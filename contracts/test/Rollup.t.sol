// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Rollup} from "../src/l1/Rollup.sol";
import {Roles} from "../src/l1/Roles.sol";
import {RuleBook, Rules} from "../src/l1/RuleBook.sol";
import {BatchHeader, BatchHeaders} from "../src/lib/BatchHeader.sol";
import {L1} from "./L1.sol";

/// The path of batches: committed, claimed twice, final.
contract RollupTest is L1 {
    using BatchHeaders for BatchHeader;

    function test_genesis() public view {
        BatchHeader memory header;
        vm.assertEq(rollup.committedBatches(0), header.hash());
        vm.assertEq(rollup.finalizedStateRoots(0), genesis().stateRoot);
        vm.assertEq(rollup.lastFinalizedBatch(), 0);
    }

    function test_two_equal_claims_make_a_batch_final() public {
        Made memory made = next(0);
        commit(made, 0);
        vm.assertEq(rollup.committedBatches(1), keccak256(encode(made.header)));
        prove(1, made);
        vm.assertEq(rollup.lastTeeVerifiedBatch(), 1);
        vm.assertEq(rollup.finalizedStateRoots(1), 0, "one claim is not enough");
        prove(0, made);
        vm.assertEq(rollup.lastFinalizedBatch(), 1);
        vm.assertEq(rollup.finalizedStateRoots(1), made.output.stateRoot);
    }

    function test_claims_come_in_any_order_of_types_and_run_ahead() public {
        Made memory first = next(0);
        commit(first, 0);
        prove(0, first);
        Made memory second = next(0);
        commit(second, 0);
        prove(0, second);
        vm.assertEq(rollup.lastFinalizedBatch(), 0);
        prove(1, first);
        prove(1, second);
        vm.assertEq(rollup.lastFinalizedBatch(), 2);
    }

    function test_no_batch_is_skipped() public {
        Made memory first = next(0);
        Made memory skipping = next(0);
        skipping.header.index = 2;
        vm.prank(relayer, relayer);
        vm.expectRevert(abi.encodeWithSelector(Rollup.WrongBatchIndex.selector, 2, 1));
        rollup.commitBatchWithDaProof(encode(skipping.header), 0, skipping.data);
        commit(first, 0);
        Made memory second = next(0);
        commit(second, 0);
        bytes memory proof = proofOf(second, ENCLAVE);
        vm.expectRevert(abi.encodeWithSelector(Rollup.WrongBatchIndex.selector, 2, 1));
        rollup.verifyBatch(1, encode(second.header), second.output.stateRoot, 0, proof);
    }

    function test_an_uncommitted_batch_is_not_proven() public {
        Made memory made = next(0);
        bytes memory proof = proofOf(made, ENCLAVE);
        vm.expectRevert(abi.encodeWithSelector(Rollup.NotCommitted.selector, 1, 0));
        rollup.verifyBatch(1, encode(made.header), made.output.stateRoot, 0, proof);
    }

    function test_only_relayers_commit() public {
        Made memory made = next(0);
        vm.expectRevert(abi.encodeWithSelector(Roles.NotRelayer.selector, address(this)));
        rollup.commitBatchWithDaProof(encode(made.header), 0, made.data);
        vm.expectRevert(abi.encodeWithSelector(Roles.NotRelayer.selector, address(this)));
        rollup.commitBatch(2, 1, 0);
    }

    /// forge-config: default.fuzz.runs = 32
    function test_every_part_of_a_header_is_checked_at_commit(uint256 place, uint8 flip) public {
        Made memory made = next(0);
        bytes memory header = encode(made.header);
        place = bound(place, 0, 104);
        flip = uint8(bound(flip, 1, 255));
        header[place] = bytes1(uint8(header[place]) ^ flip);
        vm.prank(relayer, relayer);
        vm.expectRevert();
        rollup.commitBatchWithDaProof(header, 0, made.data);
    }

    /// forge-config: default.fuzz.runs = 32
    function test_every_part_of_a_header_is_checked_at_proof(uint256 place, uint8 flip) public {
        Made memory made = next(0);
        commit(made, 0);
        bytes memory header = encode(made.header);
        place = bound(place, 0, 104);
        header[place] = bytes1(uint8(header[place]) ^ uint8(bound(flip, 1, 255)));
        bytes memory proof = proofOf(made, ENCLAVE);
        vm.expectRevert();
        rollup.verifyBatch(1, header, made.output.stateRoot, 0, proof);
    }

    function test_a_header_of_another_size_is_refused() public {
        vm.expectRevert(abi.encodeWithSelector(BatchHeaders.WrongHeaderSize.selector, 104));
        rollup.verifyBatch(1, new bytes(104), 0, 0, "");
    }

    function test_unknown_versions_are_refused() public {
        Made memory made = next(0);
        made.header.version = 3;
        vm.prank(relayer, relayer);
        vm.expectRevert(abi.encodeWithSelector(Rollup.UnknownBatchVersion.selector, 3));
        rollup.commitBatchWithDaProof(encode(made.header), 0, made.data);
        made.header.version = 2;
        vm.prank(relayer, relayer);
        vm.expectRevert(abi.encodeWithSelector(Rollup.UnknownDaVersion.selector, 3));
        rollup.commitBatchWithDaProof(encode(made.header), 0, hex"03");
        vm.prank(relayer, relayer);
        vm.expectRevert(abi.encodeWithSelector(Rollup.NoData.selector));
        rollup.commitBatchWithDaProof(encode(made.header), 0, "");
        vm.prank(relayer, relayer);
        vm.expectRevert(abi.encodeWithSelector(Rollup.NoData.selector));
        rollup.commitBatch(2, 1, 0);
    }

    function test_unknown_prove_type() public {
        Made memory made = next(0);
        commit(made, 0);
        bytes memory proof = proofOf(made, ENCLAVE);
        vm.expectRevert(abi.encodeWithSelector(Rollup.UnknownProveType.selector, 2));
        rollup.verifyBatch(2, encode(made.header), made.output.stateRoot, 0, proof);
    }

    function test_a_zk_proof_of_another_program_is_refused() public {
        Made memory made = next(0);
        commit(made, 0);
        bytes memory proof = proofOf(made, ENCLAVE);
        vm.expectRevert(abi.encodeWithSelector(Rollup.WrongProgram.selector, ENCLAVE, PROGRAM));
        rollup.verifyBatch(0, encode(made.header), made.output.stateRoot, 0, proof);
    }

    function test_without_a_zk_verifier_nothing_is_final() public {
        Rules memory none = rules();
        none.zkVerifier = address(0);
        vm.prank(owner);
        rollup.scheduleRules(1, none);
        Made memory made = next(0);
        commit(made, 0);
        prove(1, made);
        bytes memory proof = proofOf(made, PROGRAM);
        vm.expectRevert(abi.encodeWithSelector(Rollup.NoVerifier.selector, 0));
        rollup.verifyBatch(0, encode(made.header), made.output.stateRoot, 0, proof);
        vm.assertEq(rollup.lastFinalizedBatch(), 0);
        vm.assertEq(rollup.zk_verifier(), address(0));
    }

    /// The original let the second proof overwrite the message root of the first.
    function test_a_second_proof_does_not_change_the_message_root() public {
        Made memory made = next(0);
        commit(made, 0);
        prove(1, made);
        made.output.l2MsgRoot = keccak256("another");
        prove(0, made);
        vm.assertEq(rollup.lastFinalizedBatch(), 0);
        vm.assertTrue(rollup.isDisputed(1));
        vm.assertEq(rollup.getL2MsgRoot(1), 0);
    }

    function test_time_stays_in_bounds() public {
        Made memory made = next(0);
        commit(made, 0);
        uint64 committed = uint64(block.timestamp);
        _expectTime(made, (committed + 60) * 1000 + 1);
        _expectTime(made, (committed - 3 days) * 1000 - 1);
        made.output.lastTimestamp = (committed + 60) * 1000;
        prove(1, made);
        Made memory second = next(0);
        commit(second, 0);
        second.output.lastTimestamp = made.output.lastTimestamp - 1;
        bytes memory proof = proofOf(second, ENCLAVE);
        vm.expectRevert(
            abi.encodeWithSelector(
                Rollup.TimeGoesBack.selector, second.output.lastTimestamp, made.output.lastTimestamp
            )
        );
        rollup.verifyBatch(1, encode(second.header), second.output.stateRoot, 0, proof);
    }

    function _expectTime(Made memory made, uint64 time) private {
        made.output.lastTimestamp = time;
        bytes memory proof = proofOf(made, ENCLAVE);
        vm.expectPartialRevert(
            time < genesis().lastTimestamp ? Rollup.TimeGoesBack.selector : Rollup.TimeOutOfBounds.selector
        );
        rollup.verifyBatch(1, encode(made.header), made.output.stateRoot, 0, proof);
    }

    function test_rules_hold_from_their_batch_on_and_stay_with_it() public {
        Rules memory later = rules();
        later.chainConfigHash = keccak256("next configuration");
        vm.expectRevert();
        rollup.scheduleRules(2, later);
        vm.prank(owner);
        rollup.scheduleRules(2, later);
        Made memory first = next(0);
        commit(first, 0);
        prove(1, first);
        Made memory second = next(0);
        commit(second, 0);
        bytes memory proof = proofOf(second, ENCLAVE);
        vm.expectPartialRevert(bytes4(keccak256("BadProof(bytes32)")));
        rollup.verifyBatch(1, encode(second.header), second.output.stateRoot, 0, proof);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(RuleBook.RulesComeTooLate.selector, 2, 2));
        rollup.scheduleRules(2, later);
    }

    function test_rules_to_come_can_be_replaced() public {
        Rules memory later = rules();
        vm.startPrank(owner);
        rollup.scheduleRules(5, later);
        rollup.scheduleRules(9, later);
        later.zkProgramDigest = keccak256("fixed");
        rollup.scheduleRules(5, later);
        vm.stopPrank();
        vm.assertEq(rollup.ruleBook().length, 2);
        (Rules memory found,) = rollup.rulesFor(9);
        vm.assertEq(found.zkProgramDigest, later.zkProgramDigest);
    }

    function test_the_second_proof_of_a_statement_brings_no_new_output() public {
        Made memory made = next(0);
        commit(made, 0);
        prove(1, made);
        prove(0, made);
        (Rollup.Claim memory claim, Rollup.Output memory output) = rollup.claim(0, 1);
        vm.assertEq(claim.statementHash, statement(made));
        vm.assertEq(output.stateRoot, made.output.stateRoot);
    }
}
