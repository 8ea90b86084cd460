// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

interface IL2Mailbox {
    function sendMsg(address target, uint256 value, bytes calldata data, uint256 gasLimit, address refundAddress)
        external
        payable;

    /// Sender on L1 of the message that is being executed; 0 outside of that.
    function messageSender() external view returns (address);

    /// The timelock on L1, which owns the contracts on L2.
    function owner() external view returns (address);

    function l1MailBox() external view returns (address);
}
