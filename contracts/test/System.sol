// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {L2MsgProof} from "../src/interfaces/IL1Mailbox.sol";
import {EscapeHatch, IFinality, ITokenVault, IVault} from "../src/l1/EscapeHatch.sol";
import {L1ERC20Bridge} from "../src/l1/L1ERC20Bridge.sol";
import {L1ETHBridge} from "../src/l1/L1ETHBridge.sol";
import {BridgedERC20} from "../src/l2/BridgedERC20.sol";
import {L1BlockInfo} from "../src/l2/L1BlockInfo.sol";
import {L1GasOracle} from "../src/l2/L1GasOracle.sol";
import {L2CoinBase} from "../src/l2/L2CoinBase.sol";
import {L2ERC20Bridge} from "../src/l2/L2ERC20Bridge.sol";
import {L2ETHBridge} from "../src/l2/L2ETHBridge.sol";
import {L1Message} from "../src/lib/Message.sol";
import {Predeploys} from "../src/lib/Predeploys.sol";
import {Vm} from "./Base.sol";
import {L1} from "./L1.sol";
import {L2} from "./L2.sol";
import {TestVerifier} from "./TestVerifier.sol";

/// Both chains with their bridges in one EVM: what L1 logs is executed on L2 by `sync`, which also notes what goes back.
abstract contract System is L1, L2 {
    bytes32 private constant SENT = keccak256("SentMsg(address,address,uint256,uint256,bytes,uint256,bytes32)");

    L1ETHBridge internal l1Eth;
    L1ERC20Bridge internal l1Erc20;
    EscapeHatch internal escape;
    L2ETHBridge internal constant l2Eth = L2ETHBridge(Predeploys.L2_ETH_BRIDGE);
    L2ERC20Bridge internal constant l2Erc20 = L2ERC20Bridge(Predeploys.L2_ERC20_BRIDGE);
    L2CoinBase internal constant coinBase = L2CoinBase(payable(Predeploys.L2_COIN_BASE));
    L1GasOracle internal constant oracle = L1GasOracle(Predeploys.L1_GAS_ORACLE);
    L1BlockInfo internal constant info = L1BlockInfo(Predeploys.L1_BLOCK_INFO);

    /// Calls that carry the messages from L1 not executed yet, all those executed, and those to L1.
    bytes[] internal waiting;
    uint64[] internal waitingGas;
    bytes[] internal executed;
    bytes[] internal toL1;

    function setUp() public virtual override {
        vm.warp(START);
        vm.roll(1000);
        verifier = new TestVerifier();
        uint256 nonce = vm.getNonce(address(this));
        address[] memory bridges = new address[](2);
        bridges[0] = vm.computeCreateAddress(address(this), nonce + 2);
        bridges[1] = vm.computeCreateAddress(address(this), nonce + 3);
        hatch = vm.computeCreateAddress(address(this), nonce + 4);
        deploy(bridges);
        l1Eth = new L1ETHBridge(mailbox);
        l1Erc20 = new L1ERC20Bridge(mailbox, hatch, keccak256(type(BridgedERC20).creationCode));
        escape = new EscapeHatch(
            IFinality(address(rollup)), IVault(address(mailbox)), ITokenVault(address(l1Erc20))
        );
        vm.assertEq(address(escape), hatch);
        vm.assertTrue(mailbox.isBridge(address(l1Eth)) && mailbox.isBridge(address(l1Erc20)));
        _genesis();
        vm.deal(user, 1000 ether);
        vm.recordLogs();
    }

    function _genesis() private {
        setUpL2(address(mailbox), owner);
        vm.etch(Predeploys.L2_ETH_BRIDGE, address(new L2ETHBridge()).code);
        vm.etch(Predeploys.L2_ERC20_BRIDGE, address(new L2ERC20Bridge()).code);
        vm.etch(Predeploys.L2_COIN_BASE, address(new L2CoinBase()).code);
        vm.etch(Predeploys.L1_GAS_ORACLE, address(new L1GasOracle()).code);
        vm.etch(Predeploys.L1_BLOCK_INFO, address(new L1BlockInfo()).code);
        vm.store(Predeploys.L2_ETH_BRIDGE, 0, bytes32(uint256(uint160(address(l1Eth)))));
        vm.store(Predeploys.L2_ERC20_BRIDGE, 0, bytes32(uint256(uint160(address(l1Erc20)))));
    }

    /// Takes notice of the messages that have been sent on either side.
    function collect() internal {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; i++) {
            if (logs[i].topics[0] != SENT) continue;
            (,, bytes memory call, uint256 gasLimit,) =
                abi.decode(logs[i].data, (uint256, uint256, bytes, uint256, bytes32));
            if (logs[i].emitter == address(mailbox)) {
                waiting.push(call);
                waitingGas.push(uint64(gasLimit));
            } else if (logs[i].emitter == address(l2Mailbox)) {
                toL1.push(call);
            }
        }
    }

    /// Executes on L2 what L1 has queued.
    function sync() internal {
        collect();
        while (executed.length < waiting.length) executeNext();
        collect();
    }

    function executeNext() internal {
        uint256 index = executed.length;
        vm.prank(Predeploys.L1_RELAYER);
        (bool success,) = address(l2Mailbox).call{gas: waitingGas[index] - 30_000}(waiting[index]);
        vm.assertTrue(success, "a message fails inside, not as a whole");
        executed.push(waiting[index]);
        arrived++;
    }

    /// A final batch with all that L2 has executed and sent.
    function settle() internal returns (uint256 batchIndex) {
        sync();
        return finalize(executed.length, l2Mailbox.msgRoot());
    }

    /// The message that a call of relayMsg carries from L1.
    function messageOf(uint256 nonce) internal view returns (L1Message memory m) {
        (m.sender, m.target, m.value, m.nonce, m.data, m.refundAddress) =
            abi.decode(_arguments(waiting[nonce]), (address, address, uint256, uint256, bytes, address));
        m.gasLimit = waitingGas[nonce];
    }

    /// Pays message number `nonce` from L2, by its proof in the tree of the first `leaves` messages.
    function pay(uint256 nonce, uint256 batchIndex, uint256 leaves) internal {
        (address sender, address target, uint256 value,, bytes memory data) =
            abi.decode(_arguments(toL1[nonce]), (address, address, uint256, uint256, bytes));
        L2MsgProof memory proof = L2MsgProof(batchIndex, siblings(nonce, leaves));
        mailbox.relayMsgWithProof(sender, target, value, nonce, data, proof);
    }

    function siblings(uint256 index, uint256 leaves) internal view returns (bytes memory proof) {
        bytes32[] memory level = new bytes32[](leaves);
        for (uint256 i = 0; i < leaves; i++) {
            level[i] = keccak256(toL1[i]);
        }
        bytes32 zero;
        while (level.length > 1) {
            proof = abi.encodePacked(proof, index ^ 1 < level.length ? level[index ^ 1] : zero);
            bytes32[] memory above = new bytes32[]((level.length + 1) / 2);
            for (uint256 i = 0; i < above.length; i++) {
                bytes32 right = 2 * i + 1 < level.length ? level[2 * i + 1] : zero;
                above[i] = keccak256(abi.encodePacked(level[2 * i], right));
            }
            zero = keccak256(abi.encodePacked(zero, zero));
            (level, index) = (above, index >> 1);
        }
    }

    function _arguments(bytes memory call) private pure returns (bytes memory arguments) {
        arguments = new bytes(call.length - 4);
        for (uint256 i = 0; i < arguments.length; i++) {
            arguments[i] = call[i + 4];
        }
    }
}
