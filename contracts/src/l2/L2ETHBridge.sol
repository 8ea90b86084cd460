// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {IL1ETHBridge, IL2ETHBridge} from "../interfaces/IBridges.sol";
import {L2Bridge} from "./L2Bridge.sol";

/// ETH from L1 and back. It holds none: L2Mailbox does. A deposit that its recipient refuses is replayed or refunded
/// there.
contract L2ETHBridge is L2Bridge, IL2ETHBridge {
    event FinalizeDeposit(address indexed from, address indexed to, uint256 amount);
    event Withdraw(address indexed from, address indexed to, uint256 amount);

    error WrongValue(uint256 given, uint256 needed);

    function finalizeDeposit(address from, address to, uint256 amount) external payable onlyCounterpart {
        emit FinalizeDeposit(from, to, amount);
        Address.sendValue(payable(to), amount);
    }

    /// Takes `amount`, exactly; it is paid on L1 against the proof of the message that this sends.
    function withdraw(address to, uint256 amount) external payable moves(to, amount) {
        if (msg.value != amount) revert WrongValue(msg.value, amount);
        emit Withdraw(msg.sender, to, amount);
        bytes memory call = abi.encodeCall(IL1ETHBridge.finalizeWithdraw, (msg.sender, to, amount));
        MAILBOX.sendMsg{value: amount}(toBridge, amount, call, 0, msg.sender);
    }
}
