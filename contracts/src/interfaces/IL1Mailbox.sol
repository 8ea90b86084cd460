// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {L1Message} from "../lib/Message.sol";

/// Where a message lies in the tree of a final batch; `merkleProof` are its siblings from the bottom up.
struct L2MsgProof {
    uint256 batchIndex;
    bytes merkleProof;
}

interface IL1Mailbox {
    function sendMsg(address target, uint256 value, bytes calldata data, uint256 gasLimit, address refundAddress)
        external
        payable;

    function relayMsgWithProof(
        address sender,
        address target,
        uint256 value,
        uint256 nonce,
        bytes calldata data,
        L2MsgProof calldata proof
    ) external payable;

    /// Sender on L2 of the message that is being paid out; 0 outside of that.
    function messageSender() external view returns (address);

    /// Reverts unless exodus has begun and no final batch has executed this message.
    function requireUnexecuted(L1Message calldata message) external view;

    function nextMsgIndex() external view returns (uint256);

    /// Rolling hash over the first `count` messages.
    function getMsg(uint256 count) external view returns (bytes32);

    /// When message `index` was sent, and the gas of all messages up to it.
    function queued(uint256 index) external view returns (uint64 sentAt, uint128 gasUpTo);

    /// Called by Rollup when a batch becomes final that has executed the first `count` messages.
    function popMsgs(uint256 count) external;

    function estimateMsgFee(uint256 gasLimit) external view returns (uint256);
}
