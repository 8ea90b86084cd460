// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IRelayL1, IRelayL2, L1Message, Messages} from "../src/lib/Message.sol";
import {L2Mailbox} from "../src/l2/L2Mailbox.sol";
import {Predeploys} from "../src/lib/Predeploys.sol";
import {Vm} from "./Base.sol";
import {L2} from "./L2.sol";

/// Takes value, refuses it, uses up all gas, returns a lot, or calls back.
contract Receiver {
    enum Mood {
        Takes,
        Refuses,
        Burns,
        Talks,
        CallsBack
    }

    Mood public mood;
    address public sender;
    bytes public answer;

    function set(Mood mood_, bytes calldata answer_) external {
        (mood, answer) = (mood_, answer_);
    }

    function take() external payable returns (bytes memory) {
        if (mood == Mood.Refuses) revert("refused");
        if (mood == Mood.Burns) while (true) {}
        if (mood == Mood.Talks) {
            assembly {
                revert(0, 200000)
            }
        }
        if (mood == Mood.CallsBack) {
            (bool success,) = Predeploys.L2_MAILBOX.call(answer);
            require(success, "called back");
        }
        sender = L2Mailbox(Predeploys.L2_MAILBOX).messageSender();
        return "";
    }

    receive() external payable {}
}

contract L2MailboxTest is L2 {
    using Messages for L1Message;

    Receiver private _receiver;
    address private _user = address(0x05E2);
    address private _refund = address(0x2EF0);

    function setUp() public {
        setUpL2(address(0x11), address(0x0117));
        _receiver = new Receiver();
        vm.deal(_user, 10 ether);
    }

    function _message(uint256 value) private view returns (L1Message memory) {
        bytes memory data = abi.encodeCall(Receiver.take, ());
        return L1Message(_user, address(_receiver), value, arrived, data, 500_000, _refund);
    }

    function _hash(L1Message memory message) private pure returns (bytes32) {
        return keccak256(message.callOf());
    }

    function _replay(L1Message memory m) private {
        l2Mailbox.replayMsg(m.sender, m.target, m.value, m.nonce, m.data, m.refundAddress);
    }

    function _refundTo(L1Message memory m, address to) private {
        l2Mailbox.refundMsg(m.sender, m.target, m.value, m.nonce, m.data, m.refundAddress, to);
    }

    function test_a_message_is_executed_in_the_name_of_its_sender() public {
        L1Message memory message = _message(3 ether);
        arrive(message);
        vm.assertEq(address(_receiver).balance, 3 ether);
        vm.assertEq(_receiver.sender(), _user);
        vm.assertEq(l2Mailbox.messageSender(), address(0));
        vm.assertTrue(l2Mailbox.receiveMsgStatus(_hash(message)));
        vm.assertTrue(l2Mailbox.receiveMsgMap(_hash(message)));
        vm.assertEq(l2Mailbox.finalizeL1MsgNonce(), 1);
        vm.assertEq(l2Mailbox.rollingHash(), keccak256(abi.encodePacked(bytes32(0), _hash(message))));
    }

    function test_only_the_L1_relayer_brings_messages_and_in_order() public {
        L1Message memory m = _message(0);
        vm.expectRevert(abi.encodeWithSelector(L2Mailbox.NotL1Relayer.selector, address(this)));
        l2Mailbox.relayMsg(m.sender, m.target, 0, 0, m.data, _refund);
        vm.prank(Predeploys.L1_RELAYER);
        vm.expectRevert(abi.encodeWithSelector(L2Mailbox.WrongNonce.selector, 1, 0));
        l2Mailbox.relayMsg(m.sender, m.target, 0, 1, m.data, _refund);
        vm.expectRevert(abi.encodeWithSelector(L2Mailbox.NotL1Relayer.selector, address(this)));
        l2Mailbox.relayMsg(m.sender, m.target, 0, 0, m.data);
    }

    function test_the_originals_form_is_executed_too() public {
        L1Message memory m = _message(1 ether);
        vm.prank(Predeploys.L1_RELAYER);
        l2Mailbox.relayMsg(m.sender, m.target, m.value, 0, m.data);
        m.refundAddress = m.sender;
        vm.assertTrue(l2Mailbox.receiveMsgStatus(_hash(m)));
    }

    /// forge-config: default.fuzz.runs = 16
    function test_a_message_that_fails_keeps_its_value_and_can_be_replayed_once(uint8 mood) public {
        _receiver.set(Receiver.Mood(bound(mood, 1, 3)), "");
        L1Message memory message = _message(1 ether);
        arrive(message);
        vm.assertEq(address(_receiver).balance, 0);
        vm.assertEq(address(l2Mailbox).balance, SUPPLY);
        vm.assertFalse(l2Mailbox.receiveMsgStatus(_hash(message)));
        vm.assertTrue(l2Mailbox.receiveMsgMap(_hash(message)));
        vm.assertEq(l2Mailbox.finalizeL1MsgNonce(), 1, "the queue goes on");

        _receiver.set(Receiver.Mood.Refuses, "");
        vm.expectRevert("refused");
        _replay(message);
        _receiver.set(Receiver.Mood.Takes, "");
        _replay(message);
        vm.assertEq(address(_receiver).balance, 1 ether);
        vm.assertEq(_receiver.sender(), _user);
        vm.expectRevert(
            abi.encodeWithSelector(L2Mailbox.NotFailed.selector, _hash(message), L2Mailbox.Status.Done)
        );
        _replay(message);
        vm.prank(_refund);
        vm.expectRevert(
            abi.encodeWithSelector(L2Mailbox.NotFailed.selector, _hash(message), L2Mailbox.Status.Done)
        );
        _refundTo(message, _refund);
    }

    function test_the_refund_address_takes_the_value_of_a_message_that_failed() public {
        _receiver.set(Receiver.Mood.Refuses, "");
        L1Message memory message = _message(1 ether);
        arrive(message);
        vm.expectRevert(abi.encodeWithSelector(L2Mailbox.NotRefundAddress.selector, address(this), _refund));
        _refundTo(message, address(this));
        vm.prank(_refund);
        _refundTo(message, address(0xBEEF));
        vm.assertEq(address(0xBEEF).balance, 1 ether);
        vm.expectRevert(
            abi.encodeWithSelector(L2Mailbox.NotFailed.selector, _hash(message), L2Mailbox.Status.Refunded)
        );
        _replay(message);
    }

    /// Such as the deposit of a token, which only its replay brings.
    function test_a_message_without_value_is_not_refunded() public {
        _receiver.set(Receiver.Mood.Refuses, "");
        L1Message memory message = _message(0);
        arrive(message);
        vm.prank(_refund);
        vm.expectRevert(abi.encodeWithSelector(L2Mailbox.NothingToRefund.selector, 0));
        _refundTo(message, _refund);
    }

    function test_a_message_that_did_not_arrive_is_neither_replayed_nor_refunded() public {
        L1Message memory message = _message(1 ether);
        vm.expectRevert(
            abi.encodeWithSelector(L2Mailbox.NotFailed.selector, _hash(message), L2Mailbox.Status.None)
        );
        _replay(message);
        vm.prank(_refund);
        vm.expectPartialRevert(L2Mailbox.NotFailed.selector);
        _refundTo(message, _refund);
    }

    function test_calling_back_gains_nothing() public {
        _receiver.set(Receiver.Mood.Refuses, "");
        L1Message memory first = _message(1 ether);
        arrive(first);
        bytes memory again = abi.encodeCall(
            l2Mailbox.replayMsg, (first.sender, first.target, 1 ether, first.nonce, first.data, first.refundAddress)
        );
        _receiver.set(Receiver.Mood.CallsBack, again);
        vm.expectRevert("called back");
        _replay(first);
        vm.assertEq(address(_receiver).balance, 0);
    }

    /// The least gas that L1Mailbox lets a message have is enough to write down that it failed.
    function test_the_least_gas_is_enough_to_fail_properly() public {
        _receiver.set(Receiver.Mood.Burns, "");
        L1Message memory message = _message(0);
        message.gasLimit = 150_000;
        arrive(message);
        vm.assertTrue(l2Mailbox.receiveMsgMap(_hash(message)));
        vm.assertFalse(l2Mailbox.receiveMsgStatus(_hash(message)));
        message = _message(0);
        message.data = new bytes(60_000);
        message.gasLimit = uint64(150_000 + (60_000 + 228) * 40 - 60_000 * 16); // without its calldata
        arrive(message);
        vm.assertTrue(l2Mailbox.receiveMsgMap(_hash(message)));
    }

    function test_a_message_to_L1_is_a_leaf_of_the_tree() public {
        bytes memory call = abi.encodeWithSignature(
            "relayMsg(address,address,uint256,uint256,bytes)", _user, address(0xBEEF), 1 ether, 0, bytes("data")
        );
        vm.recordLogs();
        vm.prank(_user);
        l2Mailbox.sendMsg{value: 1 ether}(address(0xBEEF), 1 ether, "data", 0, _user);
        Vm.Log memory log = logOf("SentMsg(address,address,uint256,uint256,bytes,uint256,bytes32)");
        vm.assertEq(log.data, abi.encode(uint256(1 ether), uint256(0), call, uint256(0), keccak256(call)));
        vm.assertEq(l2Mailbox.msgRoot(), keccak256(call));
        vm.assertEq(vm.load(address(l2Mailbox), 0), keccak256(call));
        vm.assertEq(l2Mailbox.nextMsgIndex(), 1);
        vm.assertEq(address(l2Mailbox).balance, SUPPLY + 1 ether);
    }

    function test_a_message_to_L1_brings_its_value_along() public {
        vm.prank(_user);
        vm.expectRevert(abi.encodeWithSelector(L2Mailbox.WrongValue.selector, 1, 2));
        l2Mailbox.sendMsg{value: 1}(address(0xBEEF), 2, "", 0, _user);
    }
}
