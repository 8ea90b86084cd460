// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Ownable2Step, Ownable} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IL1BlockInfo} from "../interfaces/IL1BlockInfo.sol";
import {IL1Mailbox, L2MsgProof} from "../interfaces/IL1Mailbox.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {L1Message, Messages} from "../lib/Message.sol";
import {MessageProofs} from "../lib/MessageTree.sol";
import {Predeploys} from "../lib/Predeploys.sol";

/// The queue of messages to L2, payment of proven messages from L2, and all ETH that is on L2.
contract L1Mailbox is IL1Mailbox, Ownable2Step, ReentrancyGuardTransient {
    using Messages for L1Message;

    struct Queued {
        bytes32 rollingHash; // over all messages up to this one
        uint64 sentAt;
        uint128 gasUpTo; // gas limits of all messages up to this one
    }

    struct Settings {
        address rollup;
        address owner;
        address escapeHatch;
        address[] bridges;
        uint256 baseFee;
        uint256 l2GasLimit;
        uint256 l2FinalizeDepositGasUsed;
    }

    /// EIP-7623: what a byte of calldata costs at most.
    uint256 private constant GAS_PER_BYTE = 40;
    /// Intrinsic gas, and what L2Mailbox needs around the call that a message makes.
    uint256 public constant MIN_MESSAGE_GAS = 150_000;
    uint256 private constant BLOCK_INFO_GAS = 150_000;

    IRollup private immutable _rollup;
    address public immutable escapeHatch;
    /// Rollup.forcedGas: a batch that owes a message can take it.
    uint256 public immutable maxGasLimit;

    Queued[] private _queue;
    /// Number of messages that final batches have executed.
    uint256 public nextFinalizeQueueIndex;
    /// Wei per gas.
    uint256 public baseFee;
    /// Most and least gas of a message, the latter without its calldata.
    uint256 public l2GasLimit;
    uint256 public l2FinalizeDepositGasUsed;
    /// Fees that have not been withdrawn.
    uint256 public feeBalance;
    /// Bridges that belong to this mailbox; sending is open to everyone.
    mapping(address => bool) public isBridge;
    /// L2 messages that have been paid out, by hash.
    mapping(bytes32 messageHash => bool) public receiveMsgMap;
    mapping(uint256 nonce => bool) public refunded;
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
    event PopMsgs(uint256 finalizeMsgIndex);
    event RelayedMsg(bytes32 indexed hash, uint256 nonce);
    event ClaimMsg(bytes32 indexed hash, uint256 nonce);
    event DepositFeeWithdrawn(address indexed target, uint256 amount);
    event ExitPaid(address indexed to, uint256 value);
    event BaseFeeChanged(uint256 oldL2BaseFee, uint256 newL2BaseFee);
    event SetL2GasLimit(uint256 oldGasLimit, uint256 newGasLimit);
    event SetL2FinalizeDepositGasUsed(
        uint256 oldL2FinalizeDepositGasUsed, uint256 newL2FinalizeDepositGasUsed
    );

    error NotMailboxOfRollup(address mailbox);
    error Closed();
    error WrongValue(uint256 given, uint256 needed);
    error GasOutOfBounds(uint256 given, uint256 least, uint256 most);
    error NoRefundAddress();
    error OutOfBounds(uint256 index, uint256 length);
    error NotRollup(address caller);
    error NotEscapeHatch(address caller);
    error NotInExodus();
    error NotFinal(uint256 batchIndex, uint256 lastFinalizedBatch);
    error WrongMessageRoot(bytes32 given, bytes32 expected);
    error AlreadyRelayed(bytes32 messageHash);
    error ForbiddenTarget(address target);
    error Executed(uint256 nonce, uint256 executed);
    error WrongMessage(uint256 nonce, bytes32 messageHash);
    error AlreadyRefunded(uint256 nonce);
    error FeesExceeded(uint256 wanted, uint256 there);

    constructor(Settings memory s) Ownable(s.owner) {
        (_rollup, escapeHatch) = (IRollup(s.rollup), s.escapeHatch);
        if (_rollup.l1_mail_box() != address(this)) revert NotMailboxOfRollup(_rollup.l1_mail_box());
        maxGasLimit = _rollup.forcedGas();
        for (uint256 i = 0; i < s.bridges.length; i++) {
            isBridge[s.bridges[i]] = true;
        }
        _setGasBounds(s.l2FinalizeDepositGasUsed, s.l2GasLimit);
        baseFee = s.baseFee;
    }

    // ---- to L2

    /// Queues a call of `target` on L2, with `value` wei, in the name of the caller; open to everyone.
    /// Takes `value` and the fee for `gasLimit`, exactly.
    /// @param refundAddress who may take the value on L2 if the call fails there, and here after exodus
    function sendMsg(address target, uint256 value, bytes calldata data, uint256 gasLimit, address refundAddress)
        external
        payable
        nonReentrant
    {
        if (target == Predeploys.L2_MAILBOX) revert ForbiddenTarget(target);
        if (refundAddress == address(0)) revert NoRefundAddress();
        _queueMessage(
            L1Message(msg.sender, target, value, _queue.length, data, SafeCast.toUint64(gasLimit), refundAddress)
        );
    }

    /// Queues what this block knows of L1, for L1BlockInfo on L2; costs the fee of a message.
    function sendL1BlockInfo() external payable nonReentrant {
        bytes memory data = abi.encodeCall(
            IL1BlockInfo.setL1BlockInfo,
            (
                uint64(block.number),
                uint64(block.timestamp),
                block.basefee,
                block.blobbasefee,
                blockhash(block.number - 1)
            )
        );
        _queueMessage(
            L1Message(
                address(this), Predeploys.L1_BLOCK_INFO, 0, _queue.length, data, uint64(blockInfoGas()), msg.sender
            )
        );
    }

    function _queueMessage(L1Message memory message) private {
        if (_rollup.paused() || _rollup.exodus()) revert Closed();
        uint256 fee = _checkGas(message.gasLimit, message.data.length);
        if (msg.value != fee + message.value) revert WrongValue(msg.value, fee + message.value);
        feeBalance += fee;

        bytes memory call = message.callOf();
        bytes32 messageHash = Messages.hash(message.nonce, message.gasLimit, call);
        bytes32 rolled = _append(messageHash, message.gasLimit);
        emit AppendMsg(message.nonce + 1, rolled);
        emit RollingHash(rolled);
        emit SentMsg(
            message.sender, message.target, message.value, message.nonce, call, message.gasLimit, messageHash
        );
    }

    function _checkGas(uint256 gasLimit, uint256 dataLength) private view returns (uint256 fee) {
        uint256 least = minGas(dataLength);
        if (gasLimit < least || gasLimit > l2GasLimit) revert GasOutOfBounds(gasLimit, least, l2GasLimit);
        return estimateMsgFee(gasLimit);
    }

    function _append(bytes32 messageHash, uint64 gasLimit) private returns (bytes32 rolled) {
        (bytes32 before, uint128 gasBefore) = (bytes32(0), uint128(0));
        if (_queue.length > 0) {
            Queued storage last = _queue[_queue.length - 1];
            (before, gasBefore) = (last.rollingHash, last.gasUpTo);
        }
        rolled = Messages.roll(before, messageHash);
        _queue.push(Queued(rolled, uint64(block.timestamp), gasBefore + gasLimit));
    }

    // ---- from L2

    /// Pays out a message that a final batch proves, by calling its target. If that fails, all is as before.
    function relayMsgWithProof(
        address sender,
        address target,
        uint256 value,
        uint256 nonce,
        bytes calldata data,
        L2MsgProof calldata proof
    ) external payable nonReentrant {
        if (msg.value != 0) revert WrongValue(msg.value, 0);
        if (target == address(this)) revert ForbiddenTarget(target);
        uint256 last = _rollup.lastFinalizedBatch();
        if (proof.batchIndex > last) revert NotFinal(proof.batchIndex, last);
        bytes32 messageHash = keccak256(Messages.l2Call(sender, target, value, nonce, data));
        if (receiveMsgMap[messageHash]) revert AlreadyRelayed(messageHash);
        bytes32 root = MessageProofs.rootOf(messageHash, nonce, proof.merkleProof);
        bytes32 expected = _rollup.getL2MsgRoot(proof.batchIndex);
        if (root != expected) revert WrongMessageRoot(root, expected);

        receiveMsgMap[messageHash] = true;
        emit RelayedMsg(messageHash, nonce);
        messageSender = sender;
        _call(target, value, data);
        messageSender = address(0);
    }

    // ---- after exodus

    /// Gives back the value of a message that no final batch has executed.
    function refundMsg(L1Message calldata message) external nonReentrant {
        requireUnexecuted(message);
        if (refunded[message.nonce]) revert AlreadyRefunded(message.nonce);
        refunded[message.nonce] = true;
        emit ClaimMsg(Messages.hash(message.nonce, message.gasLimit, message.callOf()), message.nonce);
        _call(message.refundAddress, message.value, "");
    }

    /// Pays an exit that the escape hatch has checked.
    function payExit(address to, uint256 value) external nonReentrant {
        if (msg.sender != escapeHatch) revert NotEscapeHatch(msg.sender);
        if (!_rollup.exodus()) revert NotInExodus();
        emit ExitPaid(to, value);
        _call(to, value, "");
    }

    function requireUnexecuted(L1Message calldata message) public view {
        if (!_rollup.exodus()) revert NotInExodus();
        uint256 nonce = message.nonce;
        if (nonce < nextFinalizeQueueIndex) revert Executed(nonce, nextFinalizeQueueIndex);
        bytes32 messageHash = Messages.hash(nonce, message.gasLimit, message.callOf());
        if (Messages.roll(getMsg(nonce), messageHash) != getMsg(nonce + 1)) revert WrongMessage(nonce, messageHash);
    }

    // ---- of Rollup and the owner

    function popMsgs(uint256 count) external {
        if (msg.sender != address(_rollup)) revert NotRollup(msg.sender);
        nextFinalizeQueueIndex = count;
        emit PopMsgs(count);
    }

    function setBaseFee(uint256 newBaseFee) external onlyOwner {
        emit BaseFeeChanged(baseFee, newBaseFee);
        baseFee = newBaseFee;
    }

    function setL2GasLimit(uint256 most) external onlyOwner {
        _setGasBounds(l2FinalizeDepositGasUsed, most);
    }

    function setL2FinalizeDepositGasUsed(uint256 least) external onlyOwner {
        _setGasBounds(least, l2GasLimit);
    }

    function withdrawDepositFee(address target, uint256 amount) external onlyOwner nonReentrant {
        if (amount > feeBalance) revert FeesExceeded(amount, feeBalance);
        feeBalance -= amount;
        emit DepositFeeWithdrawn(target, amount);
        _call(target, amount, "");
    }

    function _setGasBounds(uint256 least, uint256 most) private {
        if (least < MIN_MESSAGE_GAS || least > most) revert GasOutOfBounds(least, MIN_MESSAGE_GAS, most);
        if (most > maxGasLimit) revert GasOutOfBounds(most, least, maxGasLimit);
        emit SetL2GasLimit(l2GasLimit, most);
        emit SetL2FinalizeDepositGasUsed(l2FinalizeDepositGasUsed, least);
        (l2FinalizeDepositGasUsed, l2GasLimit) = (least, most);
    }

    function _call(address target, uint256 value, bytes memory data) private {
        (bool success, bytes memory result) = target.call{value: value}(data);
        Address.verifyCallResult(success, result);
    }

    // ---- views

    function rollup() external view returns (address) {
        return address(_rollup);
    }

    function paused() external view returns (bool) {
        return _rollup.paused();
    }

    function estimateMsgFee(uint256 gasLimit) public view returns (uint256) {
        return gasLimit * baseFee;
    }

    /// The least gas limit of a message with so many bytes of data.
    function minGas(uint256 dataLength) public view returns (uint256) {
        // selector, six words, length of the data, data in whole words
        return l2FinalizeDepositGasUsed + GAS_PER_BYTE * (4 + 7 * 32 + (dataLength + 31) / 32 * 32);
    }

    function blockInfoGas() public view returns (uint256) {
        return minGas(4 + 5 * 32) + BLOCK_INFO_GAS;
    }

    function nextMsgIndex() public view returns (uint256) {
        return _queue.length;
    }

    function pendingQueueIndex() external view returns (uint256) {
        return _queue.length;
    }

    /// Rolling hash over all messages, over those that final batches have executed, over the first `count`.
    function rollingHash() external view returns (bytes32) {
        return getMsg(_queue.length);
    }

    function stableRollingHash() external view returns (bytes32) {
        return getMsg(nextFinalizeQueueIndex);
    }

    function getMsg(uint256 count) public view returns (bytes32) {
        if (count > _queue.length) revert OutOfBounds(count, _queue.length);
        return count == 0 ? bytes32(0) : _queue[count - 1].rollingHash;
    }

    function queued(uint256 index) external view returns (uint64 sentAt, uint128 gasUpTo) {
        if (index >= _queue.length) revert OutOfBounds(index, _queue.length);
        Queued storage message = _queue[index];
        return (message.sentAt, message.gasUpTo);
    }
}
