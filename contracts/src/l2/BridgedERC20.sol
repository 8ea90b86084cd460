// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// A token of L1 on L2. Slot 0 is the mapping of balances, which exits prove. The constructor takes nothing, so that
/// the address follows from the token on L1 alone.
contract BridgedERC20 is ERC20 {
    address public immutable bridge = msg.sender;
    address public l1Token;
    uint8 private _decimals;
    string private _name;
    string private _symbol;

    event Initialized(address indexed l1Token, string name, string symbol, uint8 decimals);

    error NotBridge(address caller);
    error AlreadyInitialized();

    modifier onlyBridge() {
        if (msg.sender != bridge) revert NotBridge(msg.sender);
        _;
    }

    constructor() ERC20("", "") {}

    function initialize(address l1Token_, string calldata name_, string calldata symbol_, uint8 decimals_)
        external
        onlyBridge
    {
        if (l1Token != address(0)) revert AlreadyInitialized();
        (l1Token, _decimals, _name, _symbol) = (l1Token_, decimals_, name_, symbol_);
        emit Initialized(l1Token_, name_, symbol_, decimals_);
    }

    function mint(address to, uint256 amount) external onlyBridge {
        _mint(to, amount);
    }

    function burn(address from, uint256 amount) external onlyBridge {
        _burn(from, amount);
    }

    function name() public view override returns (string memory) {
        return _name;
    }

    function symbol() public view override returns (string memory) {
        return _symbol;
    }

    function decimals() public view override returns (uint8) {
        return _decimals;
    }
}
