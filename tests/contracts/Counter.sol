// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// A counter that can fail in every way a contract fails, and that calls itself so that traces get depth.
contract Counter {
    uint256 public count;
    address public immutable creator = msg.sender;

    event Counted(address indexed by, uint256 indexed count, string note);
    event Paid(address indexed from, uint256 value);

    error Refused(address who, uint256 code);

    receive() external payable {
        emit Paid(msg.sender, msg.value);
    }

    function increment(string memory note) public {
        count++;
        emit Counted(msg.sender, count, note);
    }

    /// One log per step, for filters and log ranges.
    function incrementMany(uint256 times) external {
        for (uint256 i = 0; i < times; i++) {
            increment("");
        }
    }

    /// Call depth of `depth`, with the increment at the bottom; a failure below is caught and counted as none.
    function nested(uint256 depth, bool fail) external {
        if (depth > 0) {
            try this.nested(depth - 1, fail) {} catch {}
        } else if (fail) {
            revert Refused(msg.sender, depth);
        } else {
            increment("nested");
        }
    }

    function failWithReason() external pure {
        revert("counter: refused");
    }

    function failWithCustomError(uint256 code) external view {
        revert Refused(msg.sender, code);
    }

    function failWithPanic(uint256 divisor) external pure returns (uint256) {
        return 1 / divisor;
    }

    function failSilently() external pure {
        revert();
    }

    /// Runs under EIP-7702 as somebody's own code: says who is executing and where.
    function whoAmI() external view returns (address self, address sender) {
        return (address(this), msg.sender);
    }

    /// What the block's environment says, for comparing with the header.
    function environment()
        external
        view
        returns (uint256 number, uint256 timestamp, uint256 baseFee, uint256 chainId, uint256 gasLimit)
    {
        return (block.number, block.timestamp, block.basefee, block.chainid, block.gaslimit);
    }
}
