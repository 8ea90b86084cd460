// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// Work that ends only with its gas, each method pressing on another resource of a node.
contract GasBomb {
    mapping(uint256 key => uint256) public slots;
    uint256 public sink;

    function spin() external view {
        uint256 x = gasleft();
        while (true) {
            unchecked {
                x = x * 6364136223846793005 + 1442695040888963407;
            }
        }
    }

    function hash() external pure {
        bytes32 x = 0;
        while (true) {
            x = keccak256(abi.encodePacked(x));
        }
    }

    /// Fills fresh slots until the gas is gone; with `spare` gas left it stops instead, and the slots stay.
    function fill(uint256 start, uint256 spare) external {
        while (gasleft() > spare) {
            slots[start] = start + 1;
            start++;
        }
    }

    function memoryGrowth() external pure {
        assembly ("memory-safe") {
            let at := 0x80
            for {} 1 {} {
                mstore(at, 1)
                at := add(at, 0x8000)
            }
        }
    }

    function logs(uint256 spare) external {
        while (gasleft() > spare) {
            assembly ("memory-safe") {
                log4(0, 0x400, 1, 2, 3, 4)
            }
        }
    }

    /// Calls itself as deep as the 63/64 rule lets it.
    function recurse() external {
        (bool ok,) = address(this).call(abi.encodeCall(this.recurse, ()));
        sink = ok ? 1 : 2;
    }

    function coldAccounts(uint256 start, uint256 spare) external view {
        uint256 sum;
        while (gasleft() > spare) {
            unchecked {
                sum += address(uint160(uint256(keccak256(abi.encode(start++))))).balance;
            }
        }
    }
}
