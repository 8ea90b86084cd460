// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// One of the two proof systems, as Rollup uses it.
interface IProofVerifier {
    /// Checks that `proof` proves or attests the statement; reverts with a typed error if it does not.
    /// @param batchIndex by which rules of the verifier's own, such as measurements, are scheduled
    /// @return proverId what stands behind the proof: the enclave's key, or the digest of the proven program
    function verify(bytes32 statementHash, uint256 batchIndex, bytes calldata proof)
        external
        returns (bytes32 proverId);

    /// Whether what stands behind a proof has been found to be untrustworthy (expiry does not count).
    function isRevoked(bytes32 proverId) external view returns (bool);
}
