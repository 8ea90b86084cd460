// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// What the other contracts on L1 ask Rollup.
interface IRollup {
    /// Whether exodus has begun: nothing becomes final any more.
    function exodus() external view returns (bool);

    /// Whether commits and deposits are paused.
    function paused() external view returns (bool);

    /// Gas of messages that a batch owes at most.
    function forcedGas() external view returns (uint64);

    function l1_mail_box() external view returns (address);

    function lastFinalizedBatch() external view returns (uint256);

    /// State root after a final batch; 0 for one that is not.
    function finalizedStateRoots(uint256 batchIndex) external view returns (bytes32);

    /// Root of the L2 messages after a final batch; 0 for one that is not.
    function getL2MsgRoot(uint256 batchIndex) external view returns (bytes32);
}
