// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

interface IToken {
    function transfer(address to, uint256 value) external returns (bool);
    function transferFrom(address from, address to, uint256 value) external returns (bool);
}

/// Market maker over two tokens: x·y never falls, 0.3 % of what comes in stays with the pool.
contract Pair {
    IToken public immutable token0;
    IToken public immutable token1;
    uint112 public reserve0;
    uint112 public reserve1;
    uint32 public updatedAt;
    uint256 public shares;
    mapping(address provider => uint256) public sharesOf;

    event Provided(address indexed provider, uint256 amount0, uint256 amount1, uint256 minted);
    event Withdrawn(address indexed provider, uint256 amount0, uint256 amount1, uint256 burned);
    event Swapped(address indexed trader, bool zeroForOne, uint256 amountIn, uint256 amountOut);

    error TooLittle(uint256 amountOut, uint256 wanted);
    error Empty();

    constructor(IToken token0_, IToken token1_) {
        token0 = token0_;
        token1 = token1_;
    }

    function provide(uint256 amount0, uint256 amount1) external returns (uint256 minted) {
        minted = shares == 0
            ? _sqrt(amount0 * amount1)
            : _min(amount0 * shares / reserve0, amount1 * shares / reserve1);
        if (minted == 0) revert Empty();
        shares += minted;
        sharesOf[msg.sender] += minted;
        _set(reserve0 + amount0, reserve1 + amount1);
        token0.transferFrom(msg.sender, address(this), amount0);
        token1.transferFrom(msg.sender, address(this), amount1);
        emit Provided(msg.sender, amount0, amount1, minted);
    }

    function withdraw(uint256 burned) external returns (uint256 amount0, uint256 amount1) {
        amount0 = burned * reserve0 / shares;
        amount1 = burned * reserve1 / shares;
        sharesOf[msg.sender] -= burned;
        shares -= burned;
        _set(reserve0 - amount0, reserve1 - amount1);
        token0.transfer(msg.sender, amount0);
        token1.transfer(msg.sender, amount1);
        emit Withdrawn(msg.sender, amount0, amount1, burned);
    }

    function quote(bool zeroForOne, uint256 amountIn) public view returns (uint256) {
        (uint256 reserveIn, uint256 reserveOut) =
            zeroForOne ? (uint256(reserve0), uint256(reserve1)) : (uint256(reserve1), uint256(reserve0));
        if (reserveIn == 0) revert Empty();
        uint256 afterFee = amountIn * 997;
        return afterFee * reserveOut / (reserveIn * 1000 + afterFee);
    }

    function swap(bool zeroForOne, uint256 amountIn, uint256 atLeast) external returns (uint256 amountOut) {
        amountOut = quote(zeroForOne, amountIn);
        if (amountOut < atLeast) revert TooLittle(amountOut, atLeast);
        if (zeroForOne) _set(reserve0 + amountIn, reserve1 - amountOut);
        else _set(reserve0 - amountOut, reserve1 + amountIn);
        (IToken tokenIn, IToken tokenOut) = zeroForOne ? (token0, token1) : (token1, token0);
        tokenIn.transferFrom(msg.sender, address(this), amountIn);
        tokenOut.transfer(msg.sender, amountOut);
        emit Swapped(msg.sender, zeroForOne, amountIn, amountOut);
    }

    function _set(uint256 next0, uint256 next1) private {
        require(next0 <= type(uint112).max && next1 <= type(uint112).max, "reserve overflow");
        (reserve0, reserve1, updatedAt) = (uint112(next0), uint112(next1), uint32(block.timestamp));
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    function _sqrt(uint256 x) private pure returns (uint256 root) {
        if (x == 0) return 0;
        root = x;
        uint256 next = x / 2 + 1;
        while (next < root) {
            root = next;
            next = (x / next + next) / 2;
        }
    }
}
