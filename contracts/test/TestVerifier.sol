// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IProofVerifier} from "../src/interfaces/IProofVerifier.sol";

/// A proof system for tests: a proof names its prover and holds keccak(statement, prover), which anyone can make.
contract TestVerifier is IProofVerifier {
    mapping(bytes32 proverId => bool) public isRevoked;

    error BadProof(bytes32 statementHash);
    error Revoked(bytes32 proverId);

    function prove(bytes32 statementHash, bytes32 proverId) external pure returns (bytes memory) {
        return abi.encode(proverId, keccak256(abi.encode(statementHash, proverId)));
    }

    function verify(bytes32 statementHash, uint256, bytes calldata proof) external view returns (bytes32 proverId) {
        bytes32 seal;
        (proverId, seal) = abi.decode(proof, (bytes32, bytes32));
        if (isRevoked[proverId]) revert Revoked(proverId);
        if (seal != keccak256(abi.encode(statementHash, proverId))) revert BadProof(statementHash);
    }

    function revoke(bytes32 proverId) external {
        isRevoked[proverId] = true;
    }
}
