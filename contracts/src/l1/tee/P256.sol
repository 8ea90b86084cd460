// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// ECDSA on P-256 by the precompile of EIP-7951.
library P256 {
    address private constant VERIFY = address(0x100);

    struct Key {
        bytes32 x;
        bytes32 y;
    }

    /// Whether r, s sign the digest. False too on a chain without the precompile, and for points off the curve.
    function verify(Key memory key, bytes32 digest, bytes32 r, bytes32 s) internal view returns (bool) {
        (bool done, bytes memory answer) = VERIFY.staticcall(abi.encode(digest, r, s, key.x, key.y));
        return done && answer.length == 32 && bytes32(answer) == bytes32(uint256(1));
    }

    /// The same with r ‖ s and SHA-256 of a message.
    function verifyMessage(Key memory key, bytes calldata message, bytes calldata signature)
        internal
        view
        returns (bool)
    {
        if (signature.length != 64) return false;
        return verify(key, sha256(message), bytes32(signature[:32]), bytes32(signature[32:]));
    }
}
