// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

contract PlainToken is ERC20("Plain token", "PLN") {
    constructor() {
        _mint(msg.sender, 1e30);
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }
}

/// Takes a hundredth of every transfer.
contract FeeToken is ERC20("Token with a fee", "FEE") {
    constructor() {
        _mint(msg.sender, 1e30);
    }

    function _update(address from, address to, uint256 value) internal override {
        if (from != address(0) && to != address(0)) {
            super._update(from, address(0xFEE), value / 100);
            value -= value / 100;
        }
        super._update(from, to, value);
    }
}

/// Names in bytes32, as tokens had them before ERC-20 was settled; no decimals.
contract OldToken {
    bytes32 public constant name = "Old token";
    bytes32 public constant symbol = "OLD";
    mapping(address => uint256) public balanceOf;

    constructor() {
        balanceOf[msg.sender] = 1e30;
    }

    function transfer(address to, uint256 value) public {
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
    }

    function transferFrom(address from, address to, uint256 value) public {
        balanceOf[from] -= value;
        balanceOf[to] += value;
    }
}

/// A name longer than anyone wants, and decimals that are none.
contract LoudToken is ERC20("", "LOUD") {
    constructor() {
        _mint(msg.sender, 1e30);
    }

    function name() public pure override returns (string memory) {
        return string(new bytes(100_000));
    }

    fallback() external {}
}
