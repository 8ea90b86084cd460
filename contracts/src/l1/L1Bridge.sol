// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IL1Mailbox, L2MsgProof} from "../interfaces/IL1Mailbox.sol";

/// A bridge on L1, whose counterpart on L2 speaks to it through the mailboxes.
abstract contract L1Bridge {
    IL1Mailbox public immutable mailbox;
    /// The counterpart on L2.
    address public immutable toBridge;

    error NotCounterpart(address caller, address l2Sender);
    error NothingToMove();
    error NoRecipient();

    modifier onlyCounterpart() {
        if (msg.sender != address(mailbox) || mailbox.messageSender() != toBridge) {
            revert NotCounterpart(msg.sender, mailbox.messageSender());
        }
        _;
    }

    modifier moves(address to, uint256 amount) {
        if (to == address(0)) revert NoRecipient();
        if (amount == 0) revert NothingToMove();
        _;
    }

    constructor(IL1Mailbox mailbox_, address toBridge_) {
        (mailbox, toBridge) = (mailbox_, toBridge_);
    }

    /// L1Mailbox.relayMsgWithProof for a withdrawal through this bridge.
    function relayMsgWithProof(uint256 value, uint256 nonce, bytes calldata data, L2MsgProof calldata proof) external {
        mailbox.relayMsgWithProof(toBridge, address(this), value, nonce, data, proof);
    }
}
