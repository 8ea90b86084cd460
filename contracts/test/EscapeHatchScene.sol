// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {EscapeHatch, IFinality, ITokenVault, IVault} from "../src/l1/EscapeHatch.sol";
import {Poseidon2} from "../src/lib/Poseidon2.sol";
import {ZkTrie} from "../src/lib/ZkTrie.sol";

/// Stands around an EscapeHatch in tests: a last final root that can be set, vaults that write down what they pay,
/// and the libraries' functions.
contract EscapeHatchScene is IFinality, IVault, ITokenVault {
    EscapeHatch public immutable hatch = new EscapeHatch(this, this, this);
    bool public exodus;
    uint256 public constant lastFinalizedBatch = 7;
    mapping(uint256 batchIndex => bytes32 root) public finalizedStateRoots;
    mapping(address token => address l2Token) public l2TokenOf;
    mapping(address token => mapping(address to => uint256 amount)) public paid;

    function setRoot(bytes32 root) external {
        exodus = true;
        finalizedStateRoots[lastFinalizedBatch] = root;
    }

    function setToken(address token, address l2Token) external {
        l2TokenOf[token] = l2Token;
    }

    function payExit(address to, uint256 value) external {
        paid[address(0)][to] += value;
    }

    function payExit(address token, address to, uint256 amount) external {
        paid[token][to] += amount;
    }

    function compress(bytes32 left, bytes32 right) external pure returns (bytes32) {
        return Poseidon2.compress(left, right);
    }

    function lookup(bytes32 root, bytes32 key, bytes calldata proof) external pure returns (bytes32) {
        return ZkTrie.lookup(root, key, proof);
    }

    function keyOf(address account, bytes32 slot, uint256 kind) external pure returns (bytes32) {
        return ZkTrie.keyOf(account, slot, kind);
    }
}
