// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {R} from "./Field.sol";

/// What was said hashes to what is asked next (prover/zk/transcript.py).
struct Transcript {
    bytes32 state;
}

library Transcripts {
    bytes32 private constant ROUND = keccak256("round");
    bytes32 private constant R_ = keccak256("r");

    function begin(string memory protocol) internal pure returns (Transcript memory) {
        return Transcript(keccak256(bytes(protocol)));
    }

    /// state := keccak(state ‖ label ‖ length in 8 bytes ‖ data).
    function absorb(Transcript memory self, bytes32 label, bytes memory data) internal pure {
        self.state = keccak256(abi.encodePacked(self.state, label, uint64(data.length), data));
    }

    /// The same with data between two positions of the calldata.
    function absorb(Transcript memory self, bytes32 label, uint256 position, uint256 end) internal pure {
        assembly ("memory-safe") {
            let free := mload(0x40)
            let size := sub(end, position)
            mstore(free, mload(self))
            mstore(add(free, 32), label)
            mstore(add(free, 64), shl(192, size))
            calldatacopy(add(free, 72), position, size)
            mstore(self, keccak256(free, add(72, size)))
        }
    }

    /// state := keccak(state ‖ label), which also is the answer.
    function challenge(Transcript memory self, bytes32 label) internal pure returns (uint256) {
        bytes32 state = self.state;
        assembly ("memory-safe") {
            mstore(0, state)
            mstore(32, label)
            state := keccak256(0, 64)
        }
        self.state = state;
        return uint256(state) % R;
    }

    /// A sumcheck's round of so many words was heard.
    function round(Transcript memory self, uint256 position, uint256 words)
        internal
        pure
        returns (uint256 r)
    {
        (bytes32 heard, bytes32 asked) = (ROUND, R_);
        assembly ("memory-safe") {
            let free := mload(0x40)
            let size := shl(5, words)
            mstore(free, mload(self))
            mstore(add(free, 32), heard)
            mstore(add(free, 64), shl(192, size))
            calldatacopy(add(free, 72), position, size)
            mstore(0, keccak256(free, add(72, size)))
            mstore(32, asked)
            let state := keccak256(0, 64)
            mstore(self, state)
            r := mod(state, R)
        }
    }
}
