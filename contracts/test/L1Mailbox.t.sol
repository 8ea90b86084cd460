// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {L2MsgProof} from "../src/interfaces/IL1Mailbox.sol";
import {L1Mailbox} from "../src/l1/L1Mailbox.sol";
import {L1Message, Messages} from "../src/lib/Message.sol";
import {MessageProofs} from "../src/lib/MessageTree.sol";
import {Predeploys} from "../src/lib/Predeploys.sol";
import {Vm} from "./Base.sol";
import {L1} from "./L1.sol";

/// Takes what it is given and remembers who sent it; or refuses; or tries to be paid twice.
contract Target {
    L1Mailbox private immutable _mailbox;
    address public sender;
    bool public refuses;
    bytes public again;

    error Refused();

    constructor(L1Mailbox mailbox) {
        _mailbox = mailbox;
    }

    function setRefuses(bool refuses_) external {
        refuses = refuses_;
    }

    function setAgain(bytes calldata call) external {
        again = call;
    }

    function take() external payable {
        if (refuses) revert Refused();
        sender = _mailbox.messageSender();
        if (again.length > 0) {
            (bool success, bytes memory result) = address(_mailbox).call(again);
            if (!success) {
                assembly {
                    revert(add(result, 0x20), mload(result))
                }
            }
        }
    }

    receive() external payable {}
}

contract L1MailboxTest is L1 {
    using Messages for L1Message;

    address private _l2Sender = address(0x1252);

    // ---- to L2

    function test_a_message_is_queued_with_the_hash_of_its_transaction() public {
        vm.recordLogs();
        L1Message memory message = send(1 ether);
        bytes memory call = message.callOf();
        bytes32 hash = Messages.hash(0, GAS, call);
        vm.assertEq(mailbox.getMsg(1), keccak256(abi.encodePacked(bytes32(0), hash)));
        vm.assertEq(mailbox.rollingHash(), mailbox.getMsg(1));
        vm.assertEq(mailbox.nextMsgIndex(), 1);
        (uint64 sentAt, uint128 gasUpTo) = mailbox.queued(0);
        vm.assertEq(sentAt, START);
        vm.assertEq(gasUpTo, GAS);
        vm.assertEq(mailbox.feeBalance(), FEE);
        vm.assertEq(address(mailbox).balance, 1 ether + FEE);
        Vm.Log memory log = logOf("SentMsg(address,address,uint256,uint256,bytes,uint256,bytes32)");
        vm.assertEq(log.data, abi.encode(uint256(1 ether), uint256(0), call, GAS, hash));
    }

    function test_value_and_gas_are_exact() public {
        vm.startPrank(user);
        vm.expectRevert(abi.encodeWithSelector(L1Mailbox.WrongValue.selector, FEE, FEE + 1));
        mailbox.sendMsg{value: FEE}(address(1), 1, "", GAS, user);
        uint256 least = mailbox.minGas(0);
        vm.assertEq(least, 300_000 + 40 * 228);
        vm.expectRevert(abi.encodeWithSelector(L1Mailbox.GasOutOfBounds.selector, least - 1, least, FORCED_GAS));
        mailbox.sendMsg(address(1), 0, "", least - 1, user);
        vm.expectRevert(abi.encodeWithSelector(L1Mailbox.GasOutOfBounds.selector, FORCED_GAS + 1, least, FORCED_GAS));
        mailbox.sendMsg(address(1), 0, "", FORCED_GAS + 1, user);
        vm.expectPartialRevert(bytes4(keccak256("SafeCastOverflowedUintDowncast(uint8,uint256)")));
        mailbox.sendMsg(address(1), 0, "", uint256(1 << 64) + GAS, user);
        vm.expectRevert(abi.encodeWithSelector(L1Mailbox.NoRefundAddress.selector));
        mailbox.sendMsg{value: FEE}(address(1), 0, "", GAS, address(0));
        vm.expectRevert(abi.encodeWithSelector(L1Mailbox.ForbiddenTarget.selector, Predeploys.L2_MAILBOX));
        mailbox.sendMsg{value: FEE}(Predeploys.L2_MAILBOX, 0, "", GAS, user);
        vm.stopPrank();
    }

    function test_the_information_on_L1_is_the_mailboxs_own() public {
        vm.fee(7);
        uint256 gas = mailbox.blockInfoGas();
        vm.recordLogs();
        vm.prank(user);
        mailbox.sendL1BlockInfo{value: gas * BASE_FEE}();
        Vm.Log memory log = logOf("SentMsg(address,address,uint256,uint256,bytes,uint256,bytes32)");
        vm.assertEq(log.topics[1], bytes32(uint256(uint160(address(mailbox)))));
        (,, bytes memory call,,) = abi.decode(log.data, (uint256, uint256, bytes, uint256, bytes32));
        bytes memory data = abi.encodeWithSignature(
            "setL1BlockInfo(uint64,uint64,uint256,uint256,bytes32)", 1000, START, 7, block.blobbasefee, blockhash(999)
        );
        L1Message memory message =
            L1Message(address(mailbox), Predeploys.L1_BLOCK_INFO, 0, 0, data, uint64(gas), user);
        vm.assertEq(call, message.callOf());
    }

    // ---- from L2

    /// Makes a batch final whose tree has these two leaves, and returns the proof of the first.
    function _final(bytes32 leaf, bytes32 sibling) private returns (L2MsgProof memory) {
        uint256 index = finalize(mailbox.nextMsgIndex(), keccak256(abi.encodePacked(leaf, sibling)));
        return L2MsgProof(index, abi.encodePacked(sibling));
    }

    function _leaf(address target, uint256 value, bytes memory data) private view returns (bytes32) {
        return keccak256(Messages.l2Call(_l2Sender, target, value, 0, data));
    }

    function test_a_message_from_L2_is_paid_once() public {
        send(5 ether);
        Target target = new Target(mailbox);
        bytes memory data = abi.encodeCall(Target.take, ());
        bytes32 leaf = _leaf(address(target), 2 ether, data);
        L2MsgProof memory proof = _final(leaf, keccak256("another"));
        mailbox.relayMsgWithProof(_l2Sender, address(target), 2 ether, 0, data, proof);
        vm.assertEq(address(target).balance, 2 ether);
        vm.assertEq(target.sender(), _l2Sender);
        vm.assertEq(mailbox.messageSender(), address(0));
        vm.assertTrue(mailbox.receiveMsgMap(leaf));
        vm.expectRevert(abi.encodeWithSelector(L1Mailbox.AlreadyRelayed.selector, leaf));
        mailbox.relayMsgWithProof(_l2Sender, address(target), 2 ether, 0, data, proof);
    }

    function test_a_target_that_fails_can_be_paid_later() public {
        send(5 ether);
        Target target = new Target(mailbox);
        bytes memory data = abi.encodeCall(Target.take, ());
        L2MsgProof memory proof = _final(_leaf(address(target), 2 ether, data), keccak256("another"));
        target.setRefuses(true);
        vm.expectRevert(abi.encodeWithSelector(Target.Refused.selector));
        mailbox.relayMsgWithProof(_l2Sender, address(target), 2 ether, 0, data, proof);
        target.setRefuses(false);
        mailbox.relayMsgWithProof(_l2Sender, address(target), 2 ether, 0, data, proof);
        vm.assertEq(address(target).balance, 2 ether);
    }

    function test_a_target_cannot_be_paid_twice_by_calling_back() public {
        send(5 ether);
        Target target = new Target(mailbox);
        bytes memory data = abi.encodeCall(Target.take, ());
        L2MsgProof memory proof = _final(_leaf(address(target), 1 ether, data), keccak256("another"));
        bytes memory call =
            abi.encodeCall(mailbox.relayMsgWithProof, (_l2Sender, address(target), 1 ether, 0, data, proof));
        target.setAgain(call);
        vm.expectPartialRevert(bytes4(keccak256("ReentrancyGuardReentrantCall()")));
        mailbox.relayMsgWithProof(_l2Sender, address(target), 1 ether, 0, data, proof);
    }

    /// forge-config: default.fuzz.runs = 64
    function test_a_message_that_differs_is_not_proven(uint8 part, uint256 by) public {
        send(5 ether);
        bytes memory data = "data";
        address target = address(0xBEEF);
        L2MsgProof memory proof = _final(_leaf(target, 1 ether, data), keccak256("another"));
        (address sender, uint256 value, uint256 nonce) = (_l2Sender, 1 ether, 0);
        part = uint8(bound(part, 0, 5));
        by = bound(by, 1, 1000);
        if (part == 0) sender = address(uint160(sender) + uint160(by));
        if (part == 1) target = address(uint160(target) + uint160(by));
        if (part == 2) value += by;
        if (part == 3) nonce = 1;
        if (part == 4) data = abi.encodePacked(data, by);
        if (part == 5) proof.merkleProof[by % 32] ^= 0x01;
        vm.expectPartialRevert(L1Mailbox.WrongMessageRoot.selector);
        mailbox.relayMsgWithProof(sender, target, value, nonce, data, proof);
    }

    function test_messages_of_batches_that_are_not_final_are_not_paid() public {
        send(5 ether);
        bytes32 leaf = _leaf(address(0xBEEF), 1 ether, "");
        bytes32 root = keccak256(abi.encodePacked(leaf, leaf));
        Made memory made = next(1, 0, root);
        commit(made, 1);
        prove(1, made);
        L2MsgProof memory proof = L2MsgProof(1, abi.encodePacked(leaf));
        vm.expectRevert(abi.encodeWithSelector(L1Mailbox.NotFinal.selector, 1, 0));
        mailbox.relayMsgWithProof(_l2Sender, address(0xBEEF), 1 ether, 0, "", proof);
        vm.expectRevert(abi.encodeWithSelector(MessageProofs.WrongProofSize.selector, 32, 2));
        mailbox.relayMsgWithProof(_l2Sender, address(0xBEEF), 1 ether, 2, "", L2MsgProof(0, abi.encodePacked(leaf)));
    }

    function test_the_mailbox_is_no_target_and_takes_nothing_when_it_pays() public {
        L2MsgProof memory proof = L2MsgProof(0, "");
        vm.expectRevert(abi.encodeWithSelector(L1Mailbox.ForbiddenTarget.selector, address(mailbox)));
        mailbox.relayMsgWithProof(_l2Sender, address(mailbox), 0, 0, "", proof);
        vm.prank(user);
        vm.expectRevert(abi.encodeWithSelector(L1Mailbox.WrongValue.selector, 1, 0));
        mailbox.relayMsgWithProof{value: 1}(_l2Sender, address(1), 0, 0, "", proof);
    }

    // ---- after exodus

    function _exodus() private {
        vm.warp(block.timestamp + clocks.exodus);
        rollup.openExodus();
    }

    function test_messages_that_no_final_batch_executed_are_refunded_once() public {
        L1Message memory executed = send(1 ether);
        finalize(1, 0);
        L1Message memory open = send(2 ether);
        L1Message memory third = send(3 ether);
        commit(next(2), 2);
        _exodus();
        vm.expectRevert(abi.encodeWithSelector(L1Mailbox.Executed.selector, 0, 1));
        mailbox.refundMsg(executed);
        uint256 before = user.balance;
        mailbox.refundMsg(third);
        mailbox.refundMsg(open);
        vm.assertEq(user.balance, before + 5 ether);
        vm.expectRevert(abi.encodeWithSelector(L1Mailbox.AlreadyRefunded.selector, 1));
        mailbox.refundMsg(open);
        open.value += 1;
        vm.expectPartialRevert(L1Mailbox.WrongMessage.selector);
        mailbox.refundMsg(open);
    }

    /// forge-config: default.fuzz.runs = 64
    function test_a_refund_needs_the_very_message(uint8 part, uint64 by) public {
        L1Message memory message = send(1 ether);
        send(0);
        _exodus();
        part = uint8(bound(part, 0, 6));
        by = uint64(bound(by, 1, 1000));
        if (part == 0) message.sender = address(uint160(by));
        if (part == 1) message.target = address(uint160(by));
        if (part == 2) message.value += by;
        if (part == 3) message.nonce = 1;
        if (part == 4) message.data = abi.encode(by);
        if (part == 5) message.gasLimit += by;
        if (part == 6) message.refundAddress = address(uint160(by));
        vm.expectPartialRevert(L1Mailbox.WrongMessage.selector);
        mailbox.refundMsg(message);
    }

    function test_withdrawals_in_final_batches_are_paid_after_exodus_too() public {
        send(5 ether);
        L2MsgProof memory proof = _final(_leaf(address(0xBEEF), 1 ether, ""), keccak256("another"));
        send(0);
        _exodus();
        mailbox.relayMsgWithProof(_l2Sender, address(0xBEEF), 1 ether, 0, "", proof);
        vm.assertEq(address(0xBEEF).balance, 1 ether);
    }

    function test_exits_are_paid_for_the_hatch_only_and_after_exodus_only() public {
        send(5 ether);
        vm.expectRevert(abi.encodeWithSelector(L1Mailbox.NotEscapeHatch.selector, address(this)));
        mailbox.payExit(user, 1 ether);
        vm.prank(hatch);
        vm.expectRevert(abi.encodeWithSelector(L1Mailbox.NotInExodus.selector));
        mailbox.payExit(user, 1 ether);
        _exodus();
        vm.prank(hatch);
        mailbox.payExit(address(0xBEEF), 1 ether);
        vm.assertEq(address(0xBEEF).balance, 1 ether);
    }

    // ---- owner and Rollup

    function test_a_mailbox_is_its_rollups() public {
        L1Mailbox.Settings memory settings;
        (settings.rollup, settings.owner) = (address(rollup), owner);
        vm.expectRevert(abi.encodeWithSelector(L1Mailbox.NotMailboxOfRollup.selector, address(mailbox)));
        new L1Mailbox(settings);
        vm.assertEq(mailbox.maxGasLimit(), FORCED_GAS);
    }

    function test_only_rollup_pops_and_only_the_owner_sets() public {
        vm.expectRevert(abi.encodeWithSelector(L1Mailbox.NotRollup.selector, address(this)));
        mailbox.popMsgs(1);
        vm.expectRevert();
        mailbox.setBaseFee(0);
        vm.expectRevert();
        mailbox.setL2GasLimit(1_000_000);
        vm.expectRevert();
        mailbox.setL2FinalizeDepositGasUsed(200_000);
        vm.expectRevert();
        mailbox.withdrawDepositFee(user, 0);
    }

    function test_gas_bounds_stay_between_what_L2_needs_and_what_a_batch_owes() public {
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(L1Mailbox.GasOutOfBounds.selector, FORCED_GAS + 1, 300_000, FORCED_GAS));
        mailbox.setL2GasLimit(FORCED_GAS + 1);
        vm.expectPartialRevert(L1Mailbox.GasOutOfBounds.selector);
        mailbox.setL2FinalizeDepositGasUsed(149_999);
        mailbox.setL2FinalizeDepositGasUsed(150_000);
        mailbox.setL2GasLimit(1_000_000);
        mailbox.setBaseFee(3);
        vm.stopPrank();
        vm.assertEq(mailbox.estimateMsgFee(7), 21);
    }

    function test_fees_are_withdrawn_and_nothing_else() public {
        send(1 ether);
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(L1Mailbox.FeesExceeded.selector, FEE + 1, FEE));
        mailbox.withdrawDepositFee(address(0xFEE), FEE + 1);
        mailbox.withdrawDepositFee(address(0xFEE), FEE);
        vm.stopPrank();
        vm.assertEq(address(0xFEE).balance, FEE);
        vm.assertEq(address(mailbox).balance, 1 ether);
    }
}
