// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Poseidon2} from "./Poseidon2.sol";

/// Proofs of single keys of the zkTrie (docs/zktrie.md): nodes of 65 bytes from the root, branches 00 ‖ left ‖ right,
/// then a leaf 01 ‖ key ‖ value; nothing for the empty trie.
library ZkTrie {
    uint256 internal constant NODE = 65;
    /// Bits of a path: eight elements of 31.
    uint256 internal constant BITS = 248;
    uint256 internal constant ELEMENT_BITS = 31;
    /// Added to a digest's first element: 2¹⁶ · version for a leaf, one more and the decided bit for a branch.
    uint256 internal constant LEAF = 1 << 16;
    uint256 internal constant BRANCH = LEAF + 1;

    /// Kinds of leaves of the state (kernel/state/leaves.py).
    uint256 internal constant BASIC = 0;
    uint256 internal constant CODE_HASH = 1;
    uint256 internal constant SLOT = 3;

    error ProofSize(uint256 size);
    error ProofNode(uint256 node, bytes32 expected);

    /// The value of `key` below `root`; 0 if the proof shows that there is none. Reverts if it shows nothing.
    function lookup(bytes32 root, bytes32 key, bytes calldata proof) internal pure returns (bytes32) {
        if (proof.length == 0 && root == 0) return 0;
        uint256 nodes = proof.length / NODE;
        if (nodes == 0 || nodes * NODE != proof.length) revert ProofSize(proof.length);
        bytes32 expected = root;
        uint256 from = 0; // the least bit that the next branch may decide
        for (uint256 i = 0; i < nodes - 1; i++) {
            (uint256 kind, bytes32 left, bytes32 right) = _node(proof, i);
            (bool found, uint256 bit) = _decided(expected, Poseidon2.compress(left, right));
            if (kind != 0 || !found || bit < from) revert ProofNode(i, expected);
            expected = _bitOf(key, bit) == 0 ? left : right;
            from = bit + 1;
        }
        (uint256 last, bytes32 leafKey, bytes32 value) = _node(proof, nodes - 1);
        if (last != 1 || value == 0 || leafOf(leafKey, value) != expected) revert ProofNode(nodes - 1, expected);
        return leafKey == key ? value : bytes32(0);
    }

    /// Digest of a leaf.
    function leafOf(bytes32 key, bytes32 value) internal pure returns (bytes32) {
        bytes32 digest = Poseidon2.compress(_limbs(uint256(value) >> 128), _limbs(uint256(value) & type(uint128).max));
        return Poseidon2.offset(Poseidon2.compress(key, digest), LEAF);
    }

    /// Key of a leaf of the state: 15 limbs of 28 bits of account · 2²⁵⁶ + slot, lowest first, and the kind.
    function keyOf(address account, bytes32 slot, uint256 kind) internal pure returns (bytes32) {
        uint256 left;
        uint256 right;
        uint256 low = uint256(slot);
        uint256 high = uint160(account);
        for (uint256 i = 0; i < 15; i++) {
            uint256 limb = low & 0xfffffff;
            if (i < 8) left = (left << 32) | limb;
            else right = (right << 32) | limb;
            low = (low >> 28) | ((high & 0xfffffff) << 228);
            high >>= 28;
        }
        return Poseidon2.compress(Poseidon2.pack(left), Poseidon2.pack((right << 32) | kind));
    }

    function _node(bytes calldata proof, uint256 i) private pure returns (uint256 kind, bytes32 a, bytes32 b) {
        uint256 at = i * NODE;
        return (uint8(proof[at]), bytes32(proof[at + 1:at + 33]), bytes32(proof[at + 33:at + 65]));
    }

    /// The bit that a branch decides, from its digest and its children's plain compression: they differ in the first
    /// element only, by BRANCH + bit.
    function _decided(bytes32 digest, bytes32 plain) private pure returns (bool, uint256) {
        uint256 expected = Poseidon2.unpack(digest);
        uint256 lanes = Poseidon2.unpack(plain);
        uint256 difference = ((expected >> 224) + Poseidon2.P - (lanes >> 224)) % Poseidon2.P;
        bool rest = (expected ^ lanes) << 32 == 0;
        return (rest && difference >= BRANCH && difference < BRANCH + BITS, difference - BRANCH);
    }

    /// A bit of a key's path: element 0 first, each as 31 bits, most significant first.
    function _bitOf(bytes32 key, uint256 bit) private pure returns (uint256) {
        uint256 element = Poseidon2.unpack(key) >> (224 - 32 * (bit / ELEMENT_BITS));
        return (element >> (ELEMENT_BITS - 1 - (bit % ELEMENT_BITS))) & 1;
    }

    /// Eight little-endian 16-bit words as elements.
    function _limbs(uint256 half) private pure returns (bytes32) {
        uint256 lanes;
        for (uint256 i = 0; i < 8; i++) {
            lanes = (lanes << 32) | (((half >> (112 - 16 * i)) & 0xffff) << 16);
        }
        return bytes32(lanes);
    }
}
