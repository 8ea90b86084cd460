// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IL2Mailbox} from "../interfaces/IL2Mailbox.sol";
import {Predeploys} from "../lib/Predeploys.sol";

/// Owned by the timelock on L1, which acts through messages: no key on L2 owns anything.
abstract contract CrossDomainOwned {
    IL2Mailbox internal constant MAILBOX = IL2Mailbox(Predeploys.L2_MAILBOX);

    error NotOwner(address caller, address l1Sender);

    modifier onlyOwner() {
        if (!_sentBy(owner())) revert NotOwner(msg.sender, MAILBOX.messageSender());
        _;
    }

    function owner() public view returns (address) {
        return MAILBOX.owner();
    }

    /// Whether this call is a message that `l1Sender` sent.
    function _sentBy(address l1Sender) internal view returns (bool) {
        return msg.sender == address(MAILBOX) && MAILBOX.messageSender() == l1Sender;
    }
}
