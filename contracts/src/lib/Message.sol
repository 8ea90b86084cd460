// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

/// A message of L1Mailbox. Its number is its place in the queue, from 0.
struct L1Message {
    address sender;
    address target;
    uint256 value; // wei
    uint256 nonce;
    bytes data;
    uint64 gasLimit;
    address refundAddress;
}

/// The calls that carry messages: from L1 with a refund address, and the original's form, from L2.
interface IRelayL1 {
    function relayMsg(
        address sender,
        address target,
        uint256 value,
        uint256 nonce,
        bytes calldata data,
        address refundAddress
    ) external;
}

interface IRelayL2 {
    function relayMsg(address sender, address target, uint256 value, uint256 nonce, bytes calldata data) external;
}

library Messages {
    bytes1 internal constant L1_MESSAGE_TYPE = 0x7f;

    /// What the L2 transaction of a message calls L2Mailbox with.
    function callOf(L1Message memory message) internal pure returns (bytes memory) {
        return abi.encodeCall(
            IRelayL1.relayMsg,
            (message.sender, message.target, message.value, message.nonce, message.data, message.refundAddress)
        );
    }

    /// Hash of the L2 transaction 0x7f ‖ RLP[nonce, gasLimit, call].
    function hash(uint256 nonce, uint256 gasLimit, bytes memory call) internal pure returns (bytes32) {
        bytes[] memory fields = new bytes[](3);
        fields[0] = RLP.encode(nonce);
        fields[1] = RLP.encode(gasLimit);
        fields[2] = RLP.encode(call);
        return keccak256(bytes.concat(L1_MESSAGE_TYPE, RLP.encode(fields)));
    }

    function roll(bytes32 rollingHash, bytes32 messageHash) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(rollingHash, messageHash));
    }

    /// What an L2 message says; its hash is a leaf of the message tree.
    function l2Call(address sender, address target, uint256 value, uint256 nonce, bytes memory data)
        internal
        pure
        returns (bytes memory)
    {
        return abi.encodeCall(IRelayL2.relayMsg, (sender, target, value, nonce, data));
    }
}
