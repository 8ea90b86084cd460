// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// What a prover says about a batch. Both provers sign or prove the hash of the same statement.
struct Statement {
    uint256 l1ChainId;
    address rollup;
    uint64 l2ChainId;
    bytes32 chainConfigHash;
    bytes32 parentBatchHash;
    bytes32 batchHash;
    bytes32 preStateRoot;
    bytes32 postStateRoot;
    bytes32 parentBlockHash;
    bytes32 lastBlockHash;
    uint64 lastTimestamp; // milliseconds
    bytes32 l2MsgRoot;
    bytes32 dataDigest; // keccak of DA version and DA data
    bytes32 openingsHash; // keccak of z and y of every blob
}

library Statements {
    bytes32 internal constant TYPE = keccak256("Jovay statement 1");

    function hash(Statement memory statement) internal pure returns (bytes32) {
        return keccak256(abi.encode(TYPE, statement));
    }
}
