// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ForcedInclusion} from "../src/l1/ForcedInclusion.sol";
import {L1Mailbox} from "../src/l1/L1Mailbox.sol";
import {Roles} from "../src/l1/Roles.sol";
import {Rollup} from "../src/l1/Rollup.sol";
import {Clocks, ClocksOrder} from "../src/lib/Clocks.sol";
import {L1Message} from "../src/lib/Message.sol";
import {L1} from "./L1.sol";
import {TestVerifier} from "./TestVerifier.sol";

/// What happens when somebody fails: forced inclusion, disputes, reverts, commits by everyone, exodus, pauses.
contract FailuresTest is L1 {
    // ---- forced inclusion

    function test_an_overdue_message_must_be_in_the_next_batch() public {
        send(1 ether);
        commit(next(0), 0);
        vm.warp(START + clocks.inclusion);
        _expectOwed(0, 0, START);
        commit(next(1), 1);
    }

    function test_a_batch_owes_at_most_so_many_messages() public {
        uint256 one = 310_000;
        for (uint256 i = 0; i < FORCED_MESSAGES + 2; i++) {
            vm.prank(user);
            mailbox.sendMsg{value: one * BASE_FEE}(address(1), 0, "", one, user);
        }
        vm.warp(START + clocks.inclusion);
        _expectOwed(FORCED_MESSAGES - 1, FORCED_MESSAGES - 1, START);
        commit(next(FORCED_MESSAGES), FORCED_MESSAGES);
        _expectOwed(FORCED_MESSAGES + 1, FORCED_MESSAGES + 1, START);
    }

    function test_a_batch_owes_messages_of_at_most_so_much_gas() public {
        for (uint256 i = 0; i < 8; i++) {
            send(0); // 500,000 each of 3,000,000
        }
        vm.warp(START + clocks.inclusion);
        _expectOwed(5, 5, START);
        commit(next(6), 6);
        _expectOwed(7, 7, START);
        commit(next(8), 8);
    }

    function test_messages_neither_go_back_nor_beyond_the_queue() public {
        send(0);
        send(0);
        commit(next(2), 2);
        Made memory made = next(1);
        vm.prank(relayer, relayer);
        vm.expectRevert(abi.encodeWithSelector(ForcedInclusion.MessagesGoBack.selector, 1, 2));
        rollup.commitBatchWithDaProof(encode(made.header), 1, made.data);
        vm.prank(relayer, relayer);
        vm.expectRevert(abi.encodeWithSelector(L1Mailbox.OutOfBounds.selector, 3, 2));
        rollup.commitBatchWithDaProof(encode(made.header), 3, made.data);
    }

    function _expectOwed(uint256 total, uint256 index, uint256 sentAt) private {
        Made memory made = next(total);
        vm.prank(relayer, relayer);
        vm.expectRevert(abi.encodeWithSelector(ForcedInclusion.OwesMessage.selector, index, sentAt));
        rollup.commitBatchWithDaProof(encode(made.header), total, made.data);
    }

    // ---- disputes

    function test_a_dispute_ends_when_one_side_is_revoked() public {
        Made memory made = next(0);
        commit(made, 0);
        Made memory wrong = next(0, 0, bytes32(0));
        wrong.output.stateRoot = keccak256("forged");
        prove(1, wrong);
        prove(0, made);
        vm.assertTrue(rollup.isDisputed(1));
        vm.expectRevert(abi.encodeWithSelector(Rollup.NotRevoked.selector, ENCLAVE));
        rollup.voidClaims(1, 1);
        verifier.revoke(ENCLAVE);
        rollup.voidClaims(1, 1);
        vm.assertFalse(rollup.isDisputed(1));
        prove(1, made, keccak256("another enclave"));
        vm.assertEq(rollup.finalizedStateRoots(1), made.output.stateRoot);
    }

    function test_nothing_behind_a_dispute_is_final_and_later_claims_are_void_too() public {
        Made memory made = next(0);
        commit(made, 0);
        Made memory wrong = next(0, 0, bytes32(0));
        wrong.output.lastBlockHash = keccak256("forged");
        prove(1, wrong);
        prove(0, made);
        Made memory second = next(0);
        second.parent = wrong.output;
        commit(second, 0);
        prove(1, second);
        second.parent = made.output;
        prove(0, second);
        vm.assertEq(rollup.lastFinalizedBatch(), 0);
        verifier.revoke(ENCLAVE);
        rollup.voidClaims(1, 1);
        vm.assertEq(rollup.lastTeeVerifiedBatch(), 0);
        bytes32 other = keccak256("another enclave");
        prove(1, made, other);
        prove(1, second, other);
        vm.assertEq(rollup.lastFinalizedBatch(), 2);
    }

    /// A lie about messages alone leaves the states after it equal, so the claims behind it agree.
    function test_agreement_behind_a_dispute_makes_nothing_final() public {
        Made memory made = next(0);
        commit(made, 0);
        Made memory wrong = next(0, 0, keccak256("forged messages"));
        prove(1, wrong);
        prove(0, made);
        Made memory second = next(0);
        second.parent = made.output;
        commit(second, 0);
        prove(1, second);
        prove(0, second);
        vm.assertFalse(rollup.isDisputed(2));
        vm.assertEq(rollup.lastFinalizedBatch(), 0);
        vm.assertEq(rollup.finalizedStateRoots(2), 0);
        vm.assertEq(rollup.getL2MsgRoot(1), 0);
    }

    function test_claims_that_are_final_or_not_there_are_not_void() public {
        finalize(0, 0);
        verifier.revoke(ENCLAVE);
        vm.expectRevert(abi.encodeWithSelector(Rollup.BatchIsFinal.selector, 1));
        rollup.voidClaims(1, 1);
        commit(next(0), 0);
        vm.expectRevert(abi.encodeWithSelector(Rollup.NotClaimed.selector, 1, 2));
        rollup.voidClaims(1, 2);
    }

    // ---- reverts

    function test_anyone_reverts_what_stood_unclaimed_and_its_messages_come_back() public {
        send(0);
        commit(next(1), 1);
        vm.warp(START + clocks.unproven - 1);
        vm.expectRevert(abi.encodeWithSelector(Rollup.TooEarly.selector, START + clocks.unproven));
        rollup.revertBatches(0);
        vm.warp(START + clocks.unproven);
        rollup.revertBatches(0);
        vm.assertEq(rollup.committedBatches(1), 0);
        vm.assertEq(rollup.l1MsgCount(1), 0);
        vm.assertEq(rollup.openSince(), START);
        _expectOwed(0, 0, START);
        commit(next(1), 1);
    }

    function test_anyone_reverts_neither_claimed_nor_final_batches() public {
        finalize(0, 0);
        Made memory made = next(0);
        commit(made, 0);
        prove(1, made);
        vm.warp(START + clocks.unproven);
        vm.expectRevert(abi.encodeWithSelector(Rollup.BatchIsClaimed.selector, 2));
        rollup.revertBatches(1);
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(Rollup.BatchIsFinal.selector, 1));
        rollup.revertBatches(0);
        rollup.revertBatches(1);
        vm.expectRevert(abi.encodeWithSelector(Rollup.NotCommitted.selector, 2, 1));
        rollup.revertBatches(1);
        vm.stopPrank();
        vm.assertEq(rollup.lastTeeVerifiedBatch(), 1);
        finalize(0, 0);
        vm.assertEq(rollup.lastFinalizedBatch(), 2);
    }

    function test_a_reverted_dispute_leaves_no_claim() public {
        Made memory made = next(0);
        commit(made, 0);
        Made memory wrong = next(0, 0, keccak256("forged messages"));
        prove(1, wrong);
        prove(0, made);
        vm.prank(owner);
        rollup.revertBatches(0);
        vm.assertEq(rollup.lastZkVerifiedBatch() + rollup.lastTeeVerifiedBatch(), 0);
        vm.assertFalse(rollup.isDisputed(1));
        finalize(0, 0);
        vm.assertEq(rollup.lastFinalizedBatch(), 1);
    }

    // ---- commits by everyone

    function test_everyone_commits_after_T1_in_spite_of_garbage() public {
        send(0);
        for (uint256 i = 0; i < 3; i++) {
            commit(next(0), 0);
        }
        vm.warp(START + clocks.opening - 1);
        Made memory made = next(1, 0, bytes32(0));
        _commitAndVerify(made, made, 1, abi.encodeWithSelector(Rollup.TooEarly.selector, START + clocks.opening));
        vm.warp(START + clocks.opening);
        made = next(1, 0, bytes32(0));
        _commitAndVerify(made, made, 1, "");
        vm.assertEq(rollup.lastFinalizedBatch(), 1);
        vm.assertEq(rollup.lastCommittedBatch(), 1);
        vm.assertEq(mailbox.nextFinalizeQueueIndex(), 1);
        vm.assertEq(rollup.openSince(), type(uint256).max);
    }

    function test_a_commit_by_everyone_needs_both_proofs_and_the_overdue_messages() public {
        send(0);
        vm.warp(START + clocks.opening);
        Made memory made = next(1, 0, bytes32(0));
        Made memory wrong = next(1, 0, keccak256("other messages"));
        _commitAndVerify(
            made, wrong, 1, abi.encodeWithSelector(TestVerifier.BadProof.selector, statement(made))
        );
        made = next(0, 0, bytes32(0));
        _commitAndVerify(made, made, 0, abi.encodeWithSelector(ForcedInclusion.OwesMessage.selector, 0, START));
    }

    function test_a_commit_by_everyone_whose_proofs_differ_is_none() public {
        send(0);
        vm.warp(START + clocks.opening);
        Made memory made = next(1, 0, bytes32(0));
        Made memory wrong = next(1, 0, bytes32(0));
        wrong.output.lastBlockHash = keccak256("another block");
        bytes memory zkProof = proofOf(made, PROGRAM);
        bytes memory teeProof = proofOf(wrong, ENCLAVE);
        vm.expectRevert(
            abi.encodeWithSelector(Rollup.ClaimsDiffer.selector, statement(made), statement(wrong))
        );
        vm.prank(user, user);
        rollup.commitAndVerify(2, 1, made.data, made.output.stateRoot, 0, zkProof, teeProof);
        vm.assertEq(rollup.lastCommittedBatch(), 0);
    }

    /// Else they would lie where only a trace of the transaction finds them.
    function test_data_in_calldata_are_those_of_the_transaction() public {
        send(0);
        vm.warp(START + clocks.opening);
        Made memory made = next(1, 0, bytes32(0));
        vm.expectRevert(abi.encodeWithSelector(Rollup.NotSentDirectly.selector, address(this)));
        rollup.commitAndVerify(2, 1, made.data, 0, 0, "", "");
        vm.expectRevert(abi.encodeWithSelector(Rollup.NotSentDirectly.selector, user));
        vm.prank(user, relayer);
        rollup.commitAndVerify(2, 1, made.data, 0, 0, "", "");
        vm.etch(relayer, hex"ef01000000000000000000000000000000000000000000");
        vm.prank(relayer, relayer);
        vm.expectRevert(abi.encodeWithSelector(Rollup.NotSentDirectly.selector, relayer));
        rollup.commitBatchWithDaProof(encode(made.header), 1, made.data);
    }

    function _commitAndVerify(Made memory zk, Made memory tee, uint256 l1Msgs, bytes memory refusal) private {
        bytes memory zkProof = proofOf(zk, PROGRAM);
        bytes memory teeProof = proofOf(tee, ENCLAVE);
        if (refusal.length > 0) vm.expectRevert(refusal);
        vm.prank(user, user);
        rollup.commitAndVerify(
            zk.header.version, l1Msgs, zk.data, zk.output.stateRoot, zk.output.l2MsgRoot, zkProof, teeProof
        );
    }

    // ---- exodus

    function test_exodus_opens_after_T2_of_a_message_and_ends_everything() public {
        send(0);
        Made memory made = next(0);
        commit(made, 0);
        prove(1, made);
        vm.warp(START + clocks.exodus - 1);
        vm.expectRevert(abi.encodeWithSelector(Rollup.TooEarly.selector, START + clocks.exodus));
        rollup.openExodus();
        vm.warp(START + clocks.exodus);
        bytes memory proof = proofOf(made, PROGRAM);
        rollup.openExodus();

        bytes memory refusal = abi.encodeWithSelector(Rollup.InExodus.selector);
        vm.expectRevert(refusal);
        rollup.verifyBatch(0, encode(made.header), made.output.stateRoot, 0, proof);
        vm.expectRevert(refusal);
        rollup.commitAndVerify(2, 1, made.data, 0, 0, "", "");
        vm.expectRevert(refusal);
        rollup.openExodus();
        vm.expectRevert(refusal);
        rollup.voidClaims(1, 1);
        vm.prank(owner);
        vm.expectRevert(refusal);
        rollup.revertBatches(0);
        vm.startPrank(relayer, relayer);
        vm.expectRevert(refusal);
        rollup.commitBatchWithDaProof(encode(made.header), 0, made.data);
        vm.expectRevert(refusal);
        rollup.commitBatch(2, 2, 0);
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(L1Mailbox.Closed.selector));
        mailbox.sendMsg(address(1), 0, "", GAS, user);
    }

    function test_exodus_opens_after_T2_of_a_batch_and_disputes_do_not_stop_the_clock() public {
        Made memory made = next(0);
        commit(made, 0);
        prove(1, made);
        made.output.stateRoot = keccak256("other");
        prove(0, made);
        vm.warp(START + clocks.exodus);
        rollup.openExodus();
        vm.assertTrue(rollup.exodus());
    }

    function test_an_idle_chain_has_no_exodus() public {
        send(0);
        finalize(1, 0);
        vm.warp(START + 1000 days);
        vm.expectRevert(abi.encodeWithSelector(Rollup.TooEarly.selector, type(uint256).max));
        rollup.openExodus();
    }

    // ---- pauses and roles

    function test_a_pause_stops_commits_and_deposits_only_and_ends_by_itself() public {
        Made memory made = next(0);
        commit(made, 0);
        vm.expectRevert(abi.encodeWithSelector(Roles.NotOwnerOrCouncil.selector, address(this)));
        rollup.setPause(true);
        vm.prank(council);
        rollup.setPause(true);
        bytes memory refusal = abi.encodeWithSelector(Roles.IsPaused.selector, START + clocks.pause);
        vm.startPrank(relayer, relayer);
        vm.expectRevert(refusal);
        rollup.commitBatch(2, 2, 0);
        vm.expectRevert(refusal);
        rollup.commitBatchWithDaProof("", 0, "");
        vm.stopPrank();
        vm.expectRevert(refusal);
        rollup.commitAndVerify(2, 0, "", 0, 0, "", "");
        vm.expectRevert(abi.encodeWithSelector(L1Mailbox.Closed.selector));
        mailbox.sendMsg(address(1), 0, "", GAS, user);
        prove(1, made);
        prove(0, made);
        vm.assertEq(rollup.lastFinalizedBatch(), 1);
        vm.warp(START + clocks.pause);
        vm.assertFalse(rollup.paused());
        commit(next(0), 0);
        vm.prank(council);
        vm.expectRevert(abi.encodeWithSelector(Roles.PausedLately.selector, START + clocks.opening));
        rollup.setPause(true);
        vm.warp(START + clocks.opening);
        vm.prank(owner);
        rollup.setPause(true);
        vm.prank(council);
        rollup.setPause(false);
        vm.assertFalse(rollup.paused());
    }

    function test_roles() public {
        address successor = address(0x5CC);
        vm.prank(relayer, relayer);
        rollup.replaceRelayer(successor);
        vm.assertFalse(rollup.isRelayer(relayer));
        vm.assertTrue(rollup.isRelayer(successor));
        vm.startPrank(council);
        rollup.removeRelayer(successor);
        vm.assertFalse(rollup.isRelayer(successor));
        vm.expectRevert();
        rollup.addRelayer(successor);
        vm.expectRevert();
        rollup.setCouncil(successor);
        vm.stopPrank();
        vm.startPrank(owner);
        rollup.addRelayer(successor);
        rollup.setCouncil(successor);
        vm.stopPrank();
        vm.assertEq(rollup.council(), successor);
    }

    function test_clocks_stand_in_order() public {
        _refuse(Clocks(0, 1 days, 3 days, 7 days, 1 days, 60, 3 days));
        _refuse(Clocks(1 days, 1 days, 3 days, 7 days, 1 days, 60, 3 days));
        _refuse(Clocks(1 hours, 3 days, 3 days, 7 days, 1 days, 60, 3 days));
        _refuse(Clocks(1 hours, 1 days, 3 days, 4 days, 1 days, 60, 3 days));
        _refuse(Clocks(1 hours, 1 days, 3 days, 7 days, 3 days, 60, 3 days));
        _refuse(Clocks(1 hours, 1 days, 3 days, 7 days, 1 days, 60, 3 days - 1));
        Clocks memory set = rollup.clocks();
        vm.assertEq(keccak256(abi.encode(set)), keccak256(abi.encode(clocks)));
    }

    function check(Clocks calldata given) external pure {
        ClocksOrder.check(given);
    }

    function _refuse(Clocks memory given) private {
        vm.expectPartialRevert(ClocksOrder.ClocksOutOfOrder.selector);
        this.check(given);
    }

    function test_a_refund_waits_for_exodus() public {
        L1Message memory message = send(1 ether);
        vm.expectRevert(abi.encodeWithSelector(L1Mailbox.NotInExodus.selector));
        mailbox.refundMsg(message);
    }
}
