// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IL1BlockInfo} from "../interfaces/IL1BlockInfo.sol";
import {IL2Mailbox} from "../interfaces/IL2Mailbox.sol";
import {Predeploys} from "../lib/Predeploys.sol";

/// The newest L1 block that L2 has heard of, as L1Mailbox itself found it.
contract L1BlockInfo is IL1BlockInfo {
    IL2Mailbox private constant MAILBOX = IL2Mailbox(Predeploys.L2_MAILBOX);

    uint64 public number;
    /// Seconds.
    uint64 public timestamp;
    /// Wei per gas, and per blob gas.
    uint256 public baseFee;
    uint256 public blobBaseFee;
    /// Hash of the block before.
    bytes32 public parentHash;

    event L1Block(uint64 indexed number, uint64 timestamp, uint256 baseFee, uint256 blobBaseFee, bytes32 parentHash);

    error NotL1Mailbox(address caller, address l1Sender);

    function setL1BlockInfo(
        uint64 number_,
        uint64 timestamp_,
        uint256 baseFee_,
        uint256 blobBaseFee_,
        bytes32 parentHash_
    ) external {
        if (msg.sender != address(MAILBOX) || MAILBOX.messageSender() != MAILBOX.l1MailBox()) {
            revert NotL1Mailbox(msg.sender, MAILBOX.messageSender());
        }
        (number, timestamp, baseFee, blobBaseFee, parentHash) =
            (number_, timestamp_, baseFee_, blobBaseFee_, parentHash_);
        emit L1Block(number_, timestamp_, baseFee_, blobBaseFee_, parentHash_);
    }
}
