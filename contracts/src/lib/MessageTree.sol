// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

/// Append-only Keccak tree of L2 messages. Its height is the least that holds the leaves; empty places are 0.
abstract contract MessageTree {
    uint256 internal constant MAX_HEIGHT = 40;

    /// Slot 0: what batch proofs read at the end of a batch. 0 without leaves, the leaf itself when there is one.
    bytes32 public msgRoot;
    /// Slot 1: number of leaves.
    uint256 public nextMsgIndex;
    /// Slots 2 to 42: at each level the newest node that is a left child or the root.
    bytes32[MAX_HEIGHT + 1] public branches;

    error TreeIsFull(uint256 leaves);

    function _append(bytes32 leaf) internal {
        uint256 index = nextMsgIndex++;
        if (index >> MAX_HEIGHT != 0) revert TreeIsFull(index);
        bytes32 node = leaf;
        bytes32 zero = 0;
        uint256 level = 0;
        for (; index >> level != 0; level++) {
            if ((index >> level) & 1 == 0) {
                branches[level] = node;
                node = Hashes.efficientKeccak256(node, zero);
            } else {
                node = Hashes.efficientKeccak256(branches[level], node);
            }
            zero = Hashes.efficientKeccak256(zero, zero);
        }
        branches[level] = node;
        msgRoot = node;
    }
}

library MessageProofs {
    error WrongProofSize(uint256 size, uint256 index);

    /// The root that leaf number `index` leads to; `siblings` are 32 bytes each, from the bottom up.
    function rootOf(bytes32 leaf, uint256 index, bytes calldata siblings) internal pure returns (bytes32 node) {
        uint256 height = siblings.length / 32;
        if (siblings.length % 32 != 0 || height > 40 || index >> height != 0) {
            revert WrongProofSize(siblings.length, index);
        }
        node = leaf;
        for (uint256 level = 0; level < height; level++) {
            bytes32 sibling = bytes32(siblings[level * 32:]);
            node = (index >> level) & 1 == 0
                ? Hashes.efficientKeccak256(node, sibling)
                : Hashes.efficientKeccak256(sibling, node);
        }
    }
}
