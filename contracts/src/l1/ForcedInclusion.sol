// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IL1Mailbox} from "../interfaces/IL1Mailbox.sol";
import {IRollup} from "../interfaces/IRollup.sol";

/// Which messages from L1 a batch must have executed: those that are overdue, up to a number and an amount of gas, so
/// that a stuffed queue cannot outrun provers.
abstract contract ForcedInclusion is IRollup {
    IL1Mailbox internal immutable _mailbox;
    /// Age at which a message is overdue, seconds.
    uint64 internal immutable _inclusion;
    /// A batch owes at most so many messages, of so much gas together.
    uint64 public immutable forcedMessages;
    uint64 public immutable forcedGas;

    error NothingForced();
    error MessagesGoBack(uint256 given, uint256 before);
    error OwesMessage(uint256 index, uint256 sentAt);

    constructor(IL1Mailbox mailbox_, uint64 inclusion, uint64 forcedMessages_, uint64 forcedGas_) {
        if (forcedMessages_ == 0 || forcedGas_ == 0) revert NothingForced();
        (_mailbox, _inclusion, forcedMessages, forcedGas) = (mailbox_, inclusion, forcedMessages_, forcedGas_);
    }

    function l1_mail_box() external view returns (address) {
        return address(_mailbox);
    }

    /// The first message that a batch leaves out must be young, or one more than a batch owes.
    /// @param before messages executed by the batches before it
    /// @param total messages executed by the batches up to it
    function _checkMessages(uint256 before, uint256 total) internal view {
        if (total < before) revert MessagesGoBack(total, before);
        if (total - before >= forcedMessages || total >= _mailbox.nextMsgIndex()) return;
        (uint64 sentAt, uint128 gasUpTo) = _mailbox.queued(total);
        if (block.timestamp < sentAt + _inclusion) return;
        uint128 gasBefore = 0;
        if (before > 0) (, gasBefore) = _mailbox.queued(before - 1);
        if (gasUpTo - gasBefore <= forcedGas) revert OwesMessage(total, sentAt);
    }

    /// When the first message behind these was sent; the end of time if there is none.
    function _sentAt(uint256 executed) internal view returns (uint256 sentAt) {
        if (executed >= _mailbox.nextMsgIndex()) return type(uint256).max;
        (sentAt,) = _mailbox.queued(executed);
    }
}
