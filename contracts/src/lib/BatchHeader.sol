// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// What a committed batch is about: 105 bytes on the wire, whose Keccak-256 is the batch hash.
struct BatchHeader {
    uint8 version;
    uint64 index;
    bytes32 l1MsgRollingHash;
    bytes32 dataHash;
    bytes32 parentBatchHash;
}

library BatchHeaders {
    uint256 internal constant SIZE = 105;

    error WrongHeaderSize(uint256 size);

    function hash(BatchHeader memory header) internal pure returns (bytes32) {
        return keccak256(
            abi.encodePacked(
                header.version, header.index, header.l1MsgRollingHash, header.dataHash, header.parentBatchHash
            )
        );
    }

    function decode(bytes calldata data) internal pure returns (BatchHeader memory) {
        if (data.length != SIZE) revert WrongHeaderSize(data.length);
        return BatchHeader(
            uint8(data[0]), uint64(bytes8(data[1:9])), bytes32(data[9:41]), bytes32(data[41:73]), bytes32(data[73:])
        );
    }
}
