// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// How good the trusted computing base is, from best to worst, as Intel names it. What is unknown counts as the worst.
enum TcbStatus {
    UpToDate,
    SWHardeningNeeded,
    ConfigurationNeeded,
    ConfigurationAndSWHardeningNeeded,
    OutOfDate,
    OutOfDateConfigurationNeeded,
    Revoked
}

library TcbStatuses {
    function parse(bytes calldata name) internal pure returns (TcbStatus) {
        bytes32 hash = keccak256(name);
        if (hash == keccak256("UpToDate")) return TcbStatus.UpToDate;
        if (hash == keccak256("SWHardeningNeeded")) return TcbStatus.SWHardeningNeeded;
        if (hash == keccak256("ConfigurationNeeded")) return TcbStatus.ConfigurationNeeded;
        if (hash == keccak256("ConfigurationAndSWHardeningNeeded")) {
            return TcbStatus.ConfigurationAndSWHardeningNeeded;
        }
        if (hash == keccak256("OutOfDate")) return TcbStatus.OutOfDate;
        if (hash == keccak256("OutOfDateConfigurationNeeded")) return TcbStatus.OutOfDateConfigurationNeeded;
        return TcbStatus.Revoked;
    }

    function worse(TcbStatus a, TcbStatus b) internal pure returns (TcbStatus) {
        return a > b ? a : b;
    }
}
