// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// How long things may take, in seconds. Fixed at deployment.
struct Clocks {
    uint64 inclusion; // T0: a message of this age must be in the next batch
    uint64 unproven; // T3: anyone reverts a batch that stood this long without a claim
    uint64 opening; // T1: anyone commits when something has been open this long
    uint64 exodus; // T2: and after this, everyone leaves
    uint64 pause; // the longest pause
    uint64 ahead; // how far the time of a batch's last block may be ahead of its commit
    uint64 behind; // and how far behind it
}

library ClocksOrder {
    error ClocksOutOfOrder(Clocks clocks);

    /// T0 < T3 < T1, and a pause within which the relayer cannot commit leaves time before exodus.
    /// Blocks may be as old as the commits that everyone may make.
    function check(Clocks memory clocks) internal pure {
        bool ordered = clocks.inclusion > 0 && clocks.inclusion < clocks.unproven && clocks.unproven < clocks.opening
            && clocks.pause < clocks.opening && clocks.opening + clocks.pause < clocks.exodus
            && clocks.behind >= clocks.opening;
        if (!ordered) revert ClocksOutOfOrder(clocks);
    }
}
