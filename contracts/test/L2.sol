// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {L2Mailbox} from "../src/l2/L2Mailbox.sol";
import {L1Message} from "../src/lib/Message.sol";
import {Predeploys} from "../src/lib/Predeploys.sol";
import {Base} from "./Base.sol";

/// L2's mailbox as genesis makes it: runtime code and storage, no constructor.
abstract contract L2 is Base {
    uint256 internal constant SUPPLY = 1 << 100;
    L2Mailbox internal constant l2Mailbox = L2Mailbox(Predeploys.L2_MAILBOX);
    uint256 internal arrived; // number of messages from L1

    function setUpL2(address l1Mailbox, address l2Owner) internal {
        vm.etch(Predeploys.L2_MAILBOX, address(new L2Mailbox()).code);
        vm.store(Predeploys.L2_MAILBOX, bytes32(uint256(43)), bytes32(uint256(uint160(l1Mailbox))));
        vm.store(Predeploys.L2_MAILBOX, bytes32(uint256(44)), bytes32(uint256(uint160(l2Owner))));
        vm.deal(Predeploys.L2_MAILBOX, SUPPLY);
        vm.assertEq(l2Mailbox.l1MailBox(), l1Mailbox);
        vm.assertEq(l2Mailbox.owner(), l2Owner);
    }

    /// The L2 transaction of a message.
    function arrive(L1Message memory message) internal {
        vm.prank(Predeploys.L1_RELAYER);
        l2Mailbox.relayMsg{gas: message.gasLimit - 21_000}(
            message.sender, message.target, message.value, message.nonce, message.data, message.refundAddress
        );
        arrived++;
    }

    /// A call on L2 in the name of an account on L1.
    function asL1(address sender, address target, bytes memory data) internal {
        arrive(L1Message(sender, target, 0, arrived, data, 1_000_000, sender));
    }
}
