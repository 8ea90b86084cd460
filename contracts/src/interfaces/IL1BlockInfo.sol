// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

interface IL1BlockInfo {
    /// What an L1 block knows of itself, and the hash of its parent. Times in seconds, fees in wei.
    function setL1BlockInfo(
        uint64 number,
        uint64 timestamp,
        uint256 baseFee,
        uint256 blobBaseFee,
        bytes32 parentHash
    ) external;
}
