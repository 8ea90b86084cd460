// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IL2Mailbox} from "../interfaces/IL2Mailbox.sol";
import {IRelayL1, IRelayL2, L1Message, Messages} from "../lib/Message.sol";
import {MessageTree} from "../lib/MessageTree.sol";
import {Predeploys} from "../lib/Predeploys.sol";

/// Executes messages from L1 and keeps the tree of those to L1. All ETH that is not on L2 lies here.
/// Storage begins with MessageTree's; what genesis sets is said at the variables.
contract L2Mailbox is MessageTree, IL2Mailbox, IRelayL1, IRelayL2, ReentrancyGuardTransient {
    using Messages for L1Message;

    enum Status {
        None,
        Done,
        Failed,
        Refunded
    }

    /// Kept for what follows a call that uses up its gas.
    uint256 private constant GAS_AFTER_CALL = 40_000;

    /// Slot 43, set at genesis: L1Mailbox.
    address public l1MailBox;
    /// Slot 44, set at genesis: the timelock on L1.
    address public owner;
    /// Slot 45: number of messages from L1 that have been executed.
    uint256 public finalizeL1MsgNonce;
    /// Slot 46: keccak(before ‖ keccak(call)) over the calls of relayMsg that carried them.
    bytes32 public rollingHash;
    /// Slot 47: what became of a message from L1, by the hash of its call.
    mapping(bytes32 callHash => Status) public statusOf;
    address public transient messageSender;

    event SentMsg(
        address indexed sender,
        address indexed target,
        uint256 value,
        uint256 nonce,
        bytes msg,
        uint256 gasLimit,
        bytes32 hash
    );
    event AppendMsg(uint256 index, bytes32 messageHash);
    event RollingHash(bytes32 indexed hash);
    event RelayMsgSuccess(bytes32 indexed hash, uint256 nonce);
    event RelayMsgFailed(bytes32 indexed hash, uint256 nonce);
    event ClaimMsg(bytes32 indexed hash, uint256 nonce);

    error NotL1Relayer(address caller);
    error WrongNonce(uint256 given, uint256 expected);
    error WrongValue(uint256 given, uint256 needed);
    error NotFailed(bytes32 callHash, Status status);
    error NotRefundAddress(address caller, address refundAddress);
    error NothingToRefund(uint256 nonce);

    // ---- from L1

    /// Executes a message; only as the L2 transaction of the message, which its number orders.
    /// A call that fails leaves the value here, for replayMsg or refundMsg.
    function relayMsg(
        address sender,
        address target,
        uint256 value,
        uint256 nonce,
        bytes calldata data,
        address refundAddress
    ) external {
        _relay(L1Message(sender, target, value, nonce, data, 0, refundAddress));
    }

    /// The original's form, without a refund address: its value can be taken by the sender.
    function relayMsg(address sender, address target, uint256 value, uint256 nonce, bytes calldata data) external {
        _relay(L1Message(sender, target, value, nonce, data, 0, sender));
    }

    /// Executes a message that failed once more, with the gas of this transaction; open to everyone.
    function replayMsg(
        address sender,
        address target,
        uint256 value,
        uint256 nonce,
        bytes calldata data,
        address refundAddress
    ) external nonReentrant {
        bytes32 callHash =
            _settleFailed(L1Message(sender, target, value, nonce, data, 0, refundAddress), Status.Done);
        emit RelayMsgSuccess(callHash, nonce);
        messageSender = sender;
        (bool success, bytes memory result) = target.call{value: value}(data);
        messageSender = address(0);
        Address.verifyCallResult(success, result);
    }

    /// Gives the value of a message that failed to where its refund address says.
    function refundMsg(
        address sender,
        address target,
        uint256 value,
        uint256 nonce,
        bytes calldata data,
        address refundAddress,
        address to
    ) external nonReentrant {
        if (msg.sender != refundAddress) revert NotRefundAddress(msg.sender, refundAddress);
        if (value == 0) revert NothingToRefund(nonce);
        bytes32 callHash =
            _settleFailed(L1Message(sender, target, value, nonce, data, 0, refundAddress), Status.Refunded);
        emit ClaimMsg(callHash, nonce);
        (bool success, bytes memory result) = to.call{value: value}("");
        Address.verifyCallResult(success, result);
    }

    function _relay(L1Message memory message) private nonReentrant {
        if (msg.sender != Predeploys.L1_RELAYER) revert NotL1Relayer(msg.sender);
        uint256 nonce = message.nonce;
        if (nonce != finalizeL1MsgNonce) revert WrongNonce(nonce, finalizeL1MsgNonce);
        finalizeL1MsgNonce = nonce + 1;
        bytes32 callHash = keccak256(message.callOf());
        rollingHash = Messages.roll(rollingHash, callHash);
        statusOf[callHash] = Status.Done;
        messageSender = message.sender;
        bool success = _callKeepingGas(message.target, message.value, message.data);
        messageSender = address(0);
        if (success) {
            emit RelayMsgSuccess(callHash, nonce);
        } else {
            statusOf[callHash] = Status.Failed;
            emit RelayMsgFailed(callHash, nonce);
        }
    }

    /// A call whose result is not looked at, so that a long one costs nothing here.
    function _callKeepingGas(address target, uint256 value, bytes memory data) private returns (bool success) {
        uint256 left = gasleft();
        uint256 given = left > GAS_AFTER_CALL ? left - GAS_AFTER_CALL : 0;
        assembly ("memory-safe") {
            success := call(given, target, value, add(data, 0x20), mload(data), 0, 0)
        }
    }

    function _settleFailed(L1Message memory message, Status settled) private returns (bytes32 callHash) {
        callHash = keccak256(message.callOf());
        if (statusOf[callHash] != Status.Failed) revert NotFailed(callHash, statusOf[callHash]);
        statusOf[callHash] = settled;
    }

    // ---- to L1

    /// Appends a message in the name of the caller; whoever has its proof makes L1 execute it, so `gasLimit` and
    /// the refund address bind nobody.
    function sendMsg(address target, uint256 value, bytes calldata data, uint256 gasLimit, address)
        external
        payable
    {
        if (msg.value != value) revert WrongValue(msg.value, value);
        uint256 nonce = nextMsgIndex;
        bytes memory call = Messages.l2Call(msg.sender, target, value, nonce, data);
        bytes32 leaf = keccak256(call);
        _append(leaf);
        emit AppendMsg(nonce, leaf);
        emit SentMsg(msg.sender, target, value, nonce, call, gasLimit, leaf);
    }

    // ---- views

    /// Messages to L1 cost the gas of their transaction only.
    function baseFee() external pure returns (uint256) {
        return 0;
    }

    function estimateMsgFee(uint256) external pure returns (uint256) {
        return 0;
    }

    function isBridge(address account) external pure returns (bool) {
        return account == Predeploys.L2_ETH_BRIDGE || account == Predeploys.L2_ERC20_BRIDGE;
    }

    /// Whether a message from L1 has arrived, and whether its call succeeded.
    function receiveMsgMap(bytes32 callHash) external view returns (bool) {
        return statusOf[callHash] != Status.None;
    }

    function receiveMsgStatus(bytes32 callHash) external view returns (bool) {
        return statusOf[callHash] == Status.Done;
    }
}
