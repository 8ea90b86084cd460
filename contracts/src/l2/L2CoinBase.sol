// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IL2ETHBridge} from "../interfaces/IBridges.sol";
import {Predeploys} from "../lib/Predeploys.sol";
import {CrossDomainOwned} from "./CrossDomainOwned.sol";

/// The fee vault: coinbase of every block. What it holds goes to listed addresses on L1, and nowhere else.
contract L2CoinBase is CrossDomainOwned {
    /// Slot 0, set at genesis: who may send fees to L1.
    mapping(address account => bool) public isWithdrawer;
    /// Slot 1, set at genesis: where to on L1.
    mapping(address account => bool) public whiteListOnL1;

    event AddWithdrawer(address indexed newWithdrawer);
    event RemoveWithdrawer(address indexed oldWithdrawer);
    event AddWhiteAddress(address indexed whiteAddress);
    event RemoveWhiteAddress(address indexed whiteAddress);
    event CoinBaseWithdraw(address indexed _target, uint256 indexed amount);

    error NotWithdrawer(address caller);
    error NotListed(address target);
    error NotEnough(uint256 wanted, uint256 there);

    receive() external payable {}

    function withdraw(address target, uint256 amount) public {
        if (!isWithdrawer[msg.sender]) revert NotWithdrawer(msg.sender);
        if (!whiteListOnL1[target]) revert NotListed(target);
        if (amount > address(this).balance) revert NotEnough(amount, address(this).balance);
        emit CoinBaseWithdraw(target, amount);
        IL2ETHBridge(Predeploys.L2_ETH_BRIDGE).withdraw{value: amount}(target, amount);
    }

    function withdrawAll(address target) external {
        withdraw(target, address(this).balance);
    }

    function addWithdrawer(address account) external onlyOwner {
        isWithdrawer[account] = true;
        emit AddWithdrawer(account);
    }

    function removeWithdrawer(address account) external onlyOwner {
        isWithdrawer[account] = false;
        emit RemoveWithdrawer(account);
    }

    function addWhiteAddress(address account) external onlyOwner {
        whiteListOnL1[account] = true;
        emit AddWhiteAddress(account);
    }

    function removeWhiteAddress(address account) external onlyOwner {
        whiteListOnL1[account] = false;
        emit RemoveWhiteAddress(account);
    }

    function l2EthBridge() external pure returns (address) {
        return Predeploys.L2_ETH_BRIDGE;
    }
}
