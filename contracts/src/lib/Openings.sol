// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// The value of a blob's polynomial at the point that its versioned hash and the data's digest give.
struct Opening {
    bytes32 y;
    bytes commitment; // 48 bytes
    bytes proof; // 48 bytes
}

/// Binds committed blobs (EIP-4844) to the data that a prover worked with.
library Openings {
    uint256 internal constant BLS_MODULUS = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001;
    address internal constant POINT_EVALUATION = address(0x0a);
    bytes32 private constant WITHOUT_FIRST_BYTE = bytes32(type(uint256).max >> 8);
    bytes32 private constant VERSION_KZG = bytes32(uint256(1) << 248);

    error WrongOpening(uint256 blob, bytes32 versionedHash, bytes32 z, bytes32 y);

    /// keccak(versionedHash0 ‖ …), which a batch's dataHash must be, and keccak(z0 ‖ y0 ‖ …), which the statement holds.
    function digests(Opening[] memory openings, bytes32 dataDigest)
        internal
        pure
        returns (bytes32 dataHash, bytes32 openingsHash)
    {
        bytes32[] memory hashes = new bytes32[](openings.length);
        bytes32[] memory points = new bytes32[](2 * openings.length);
        for (uint256 i = 0; i < openings.length; i++) {
            hashes[i] = versionedHash(openings[i].commitment);
            points[2 * i] = point(hashes[i], dataDigest);
            points[2 * i + 1] = openings[i].y;
        }
        return (keccak256(abi.encodePacked(hashes)), keccak256(abi.encodePacked(points)));
    }

    /// Reverts unless each commitment opens to its y.
    function check(Opening[] memory openings, bytes32 dataDigest) internal view {
        for (uint256 i = 0; i < openings.length; i++) {
            Opening memory opening = openings[i];
            bytes32 blob = versionedHash(opening.commitment);
            bytes32 z = point(blob, dataDigest);
            (bool success,) = POINT_EVALUATION.staticcall(
                abi.encodePacked(blob, z, opening.y, opening.commitment, opening.proof)
            );
            if (!success) revert WrongOpening(i, blob, z, opening.y);
        }
    }

    function versionedHash(bytes memory commitment) internal pure returns (bytes32) {
        return (sha256(commitment) & WITHOUT_FIRST_BYTE) | VERSION_KZG;
    }

    function point(bytes32 blob, bytes32 dataDigest) internal pure returns (bytes32) {
        return bytes32(uint256(keccak256(abi.encodePacked(blob, dataDigest))) % BLS_MODULUS);
    }
}
