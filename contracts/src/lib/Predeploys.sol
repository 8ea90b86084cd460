// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// Addresses on L2 that genesis gives code to, and the sender of L1 messages, which has none.
library Predeploys {
    address internal constant L1_RELAYER = 0x5100000000000000000000000000000000000000;
    address internal constant L2_MAILBOX = 0x6100000000000000000000000000000000000000;
    address internal constant L2_COIN_BASE = 0x7100000000000000000000000000000000000000;
    address internal constant L1_GAS_ORACLE = 0x8100000000000000000000000000000000000000;
    address internal constant L1_BLOCK_INFO = 0x9100000000000000000000000000000000000000;
    address internal constant L2_ETH_BRIDGE = 0xA100000000000000000000000000000000000000;
    address internal constant L2_ERC20_BRIDGE = 0xB100000000000000000000000000000000000000;
}
