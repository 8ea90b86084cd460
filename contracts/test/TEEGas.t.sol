// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Tee} from "./Tee.sol";

/// Gas of whole transactions around TEEVerifier: snapshots/gas.json, and the README's table.
/// forge-config: default.isolate = true
/// forge-config: default.evm_version = "osaka"
contract TEEGasTest is Tee {
    function test_gas() public {
        (bytes memory text, bytes memory signature) = document(".outOfDate", ".tcbInfo");
        vm.warp(block.timestamp + 60);
        register();
        vm.snapshotGasLastCall("gas", "admission of an enclave");
        (bool proven,) = address(verifier)
            .call(abi.encodeCall(verifier.verify, (word(".statement"), 1, proof(word(".statement")))));
        vm.assertTrue(proven);
        vm.snapshotGasLastCall("gas", "TEE proof by itself");
        collateral.postTcbInfo(text, signature, signer);
        vm.snapshotGasLastCall("gas", "TCB info renewed, two levels");
    }
}
