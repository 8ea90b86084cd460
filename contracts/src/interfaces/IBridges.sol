// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// The calls by which a bridge on one side tells its counterpart what it took in.
interface IL2ETHBridge {
    function finalizeDeposit(address from, address to, uint256 amount) external payable;
    function withdraw(address to, uint256 amount) external payable;
}

interface IL1ETHBridge {
    function finalizeWithdraw(address from, address to, uint256 amount) external payable;
}

interface IL2ERC20Bridge {
    /// @param metadata abi.encode(name, symbol, decimals) with the first deposit of a token, else empty
    function finalizeDeposit(address token, address from, address to, uint256 amount, bytes calldata metadata)
        external;
}

interface IL1ERC20Bridge {
    function finalizeWithdraw(address token, address from, address to, uint256 amount) external;
}
