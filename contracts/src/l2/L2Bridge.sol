// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IL2Mailbox} from "../interfaces/IL2Mailbox.sol";
import {Predeploys} from "../lib/Predeploys.sol";

/// A bridge on L2, whose counterpart on L1 speaks to it through the mailboxes.
abstract contract L2Bridge {
    IL2Mailbox internal constant MAILBOX = IL2Mailbox(Predeploys.L2_MAILBOX);

    /// Slot 0, set at genesis: the counterpart on L1.
    address public toBridge;

    error NotCounterpart(address caller, address l1Sender);
    error NothingToMove();
    error NoRecipient();

    modifier onlyCounterpart() {
        if (msg.sender != address(MAILBOX) || MAILBOX.messageSender() != toBridge) {
            revert NotCounterpart(msg.sender, MAILBOX.messageSender());
        }
        _;
    }

    modifier moves(address to, uint256 amount) {
        if (to == address(0)) revert NoRecipient();
        if (amount == 0) revert NothingToMove();
        _;
    }
}
