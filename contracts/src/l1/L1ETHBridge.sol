// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IL1ETHBridge, IL2ETHBridge} from "../interfaces/IBridges.sol";
import {IL1Mailbox} from "../interfaces/IL1Mailbox.sol";
import {Predeploys} from "../lib/Predeploys.sol";
import {L1Bridge} from "./L1Bridge.sol";

/// ETH to L2 and back. It holds none: L1Mailbox does.
contract L1ETHBridge is L1Bridge, IL1ETHBridge {
    event Deposit(address indexed from, address indexed to, uint256 amount, uint256 nonce);
    event FinalizeWithdraw(address indexed from, address indexed to, uint256 amount);

    constructor(IL1Mailbox mailbox_) L1Bridge(mailbox_, Predeploys.L2_ETH_BRIDGE) {}

    /// Takes `amount` and the mailbox's fee for `gasLimit`, exactly.
    /// @param refundAddress see L1Mailbox.sendMsg
    function deposit(address to, uint256 amount, uint256 gasLimit, address refundAddress)
        external
        payable
        moves(to, amount)
    {
        emit Deposit(msg.sender, to, amount, mailbox.nextMsgIndex());
        bytes memory call = abi.encodeCall(IL2ETHBridge.finalizeDeposit, (msg.sender, to, amount));
        mailbox.sendMsg{value: msg.value}(toBridge, amount, call, gasLimit, refundAddress);
    }

    function finalizeWithdraw(address from, address to, uint256 amount) external payable onlyCounterpart {
        emit FinalizeWithdraw(from, to, amount);
        Address.sendValue(payable(to), amount);
    }
}
