// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {CrossDomainOwned} from "../src/l2/CrossDomainOwned.sol";
import {L1BlockInfo} from "../src/l2/L1BlockInfo.sol";
import {L1GasOracle} from "../src/l2/L1GasOracle.sol";
import {L2CoinBase} from "../src/l2/L2CoinBase.sol";
import {Predeploys} from "../src/lib/Predeploys.sol";
import {System} from "./System.sol";

/// The gas oracle, the fee vault and what L2 knows of L1; all owned by the timelock on L1.
contract PredeploysTest is System {
    address private _feeder = address(0xFEED);

    function setUp() public override {
        super.setUp();
        _set(Predeploys.L1_GAS_ORACLE, 4, 100);
        _set(Predeploys.L1_GAS_ORACLE, 5, 100);
        _set(Predeploys.L1_GAS_ORACLE, 6, 10);
        _set(Predeploys.L1_GAS_ORACLE, 8, 1_000_000);
        _set(Predeploys.L1_GAS_ORACLE, 9, 786_432);
        vm.store(Predeploys.L1_GAS_ORACLE, keccak256(abi.encode(_feeder, 10)), bytes32(uint256(1)));
    }

    function _set(address account, uint256 slot, uint256 value) private {
        vm.store(account, bytes32(slot), bytes32(value));
    }

    /// A message from L1 that succeeds or not, as `succeeds` says.
    function _order(address sender, address target, bytes memory data, bool succeeds) private {
        vm.deal(sender, 1 ether);
        vm.prank(sender);
        mailbox.sendMsg{value: FEE}(target, 0, data, GAS, sender);
        sync();
        vm.assertTrue(l2Mailbox.receiveMsgStatus(keccak256(executed[executed.length - 1])) == succeeds);
    }

    // ---- oracle

    function test_the_fee_follows_from_the_last_batch() public {
        vm.prank(_feeder);
        oracle.setNewBatchBlobFeeAndTxFee(4e15, 1e15, 1_000_000);
        vm.assertEq(oracle.l1FeePerByte(), uint256(5e15) / 1_000_000 / 10);
        vm.assertEq(uint256(vm.load(address(oracle), 0)), oracle.l1FeePerByte(), "slot 0");
        vm.assertEq(oracle.getTxL1Fee(120), 120 * oracle.l1FeePerByte());
        _order(owner, address(oracle), abi.encodeCall(oracle.setTotalScala, (100)), true);
        vm.assertEq(oracle.l1FeePerByte(), uint256(5e15) / 1_000_000);
        _order(owner, address(oracle), abi.encodeCall(oracle.setL1Profit, (1e15)), true);
        vm.assertEq(oracle.l1FeePerByte(), uint256(6e15) / 1_000_000);
        _order(owner, address(oracle), abi.encodeCall(oracle.setBlobBaseFeeScalaAndTxFeeScala, (50, 200)), true);
        vm.assertEq(oracle.l1FeePerByte(), uint256(9.5e15) / 1_000_000);
    }

    function test_what_a_feeder_says_is_bounded() public {
        vm.prank(_feeder);
        oracle.setNewBatchBlobFeeAndTxFee(type(uint256).max, type(uint256).max, 1);
        vm.assertEq(oracle.lastBatchDaFee(), 786_432 * 100 gwei);
        vm.assertEq(oracle.lastBatchExecFee(), 1_000_000 * 100 gwei);
        vm.assertEq(oracle.lastBatchByteLength(), 786_432);
        vm.assertEq(oracle.l1FeePerByte(), uint256(1_786_432 * 100 gwei) / 786_432 / 10);
        vm.prank(_feeder);
        oracle.setNewBatchBlobFeeAndTxFee(0, 0, type(uint256).max);
        vm.assertEq(oracle.lastBatchByteLength(), 1e9);
        vm.expectRevert(abi.encodeWithSelector(L1GasOracle.NotRelayer.selector, address(this)));
        oracle.setNewBatchBlobFeeAndTxFee(0, 0, 0);
    }

    function test_feeders_and_limits_are_the_owners() public {
        _order(owner, address(oracle), abi.encodeCall(oracle.removeRelayer, (_feeder)), true);
        vm.assertFalse(oracle.isRelayer(_feeder));
        _order(owner, address(oracle), abi.encodeCall(oracle.addRelayer, (_feeder)), true);
        vm.assertTrue(oracle.isRelayer(_feeder));
        _order(owner, address(oracle), abi.encodeCall(oracle.setMaxL1ExecGasUsedLimit, (5)), true);
        _order(owner, address(oracle), abi.encodeCall(oracle.setMaxL1BlobGasUsedLimit, (6)), true);
        vm.assertEq(oracle.maxL1ExecGasUsedLimit() + oracle.maxL1BlobGasUsedLimit(), 11);
        _order(user, address(oracle), abi.encodeCall(oracle.addRelayer, (user)), false);
        vm.prank(owner); // the same address on L2 is nobody
        vm.expectRevert(abi.encodeWithSelector(CrossDomainOwned.NotOwner.selector, owner, address(0)));
        oracle.addRelayer(user);
        vm.assertEq(oracle.owner(), owner);
    }

    // ---- fee vault

    function test_fees_go_to_listed_addresses_on_L1_only() public {
        address withdrawer = address(0x117D);
        address treasury = address(0x72EA);
        _order(owner, address(coinBase), abi.encodeCall(coinBase.addWithdrawer, (withdrawer)), true);
        vm.prank(user);
        mailbox.sendMsg{value: FEE + 5 ether}(address(coinBase), 5 ether, "", GAS, user);
        sync();
        vm.startPrank(withdrawer);
        vm.expectRevert(abi.encodeWithSelector(L2CoinBase.NotListed.selector, withdrawer));
        coinBase.withdraw(withdrawer, 1 ether);
        vm.stopPrank();
        _order(owner, address(coinBase), abi.encodeCall(coinBase.addWhiteAddress, (treasury)), true);
        vm.expectRevert(abi.encodeWithSelector(L2CoinBase.NotWithdrawer.selector, address(this)));
        coinBase.withdraw(treasury, 1 ether);
        vm.startPrank(withdrawer);
        vm.expectRevert(abi.encodeWithSelector(L2CoinBase.NotEnough.selector, 6 ether, 5 ether));
        coinBase.withdraw(treasury, 6 ether);
        coinBase.withdraw(treasury, 1 ether);
        coinBase.withdrawAll(treasury);
        vm.stopPrank();
        uint256 batch = settle();
        pay(0, batch, 2);
        pay(1, batch, 2);
        vm.assertEq(treasury.balance, 5 ether);
        _order(owner, address(coinBase), abi.encodeCall(coinBase.removeWithdrawer, (withdrawer)), true);
        _order(owner, address(coinBase), abi.encodeCall(coinBase.removeWhiteAddress, (treasury)), true);
        vm.assertFalse(coinBase.isWithdrawer(withdrawer) || coinBase.whiteListOnL1(treasury));
        vm.assertEq(coinBase.l2EthBridge(), address(l2Eth));
    }

    // ---- L1 block info

    function test_L2_learns_of_L1_from_the_mailbox_alone() public {
        vm.fee(7 gwei);
        uint256 gas = mailbox.blockInfoGas();
        vm.prank(user);
        mailbox.sendL1BlockInfo{value: gas * BASE_FEE}();
        sync();
        vm.assertEq(info.number(), 1000);
        vm.assertEq(info.timestamp(), START);
        vm.assertEq(info.baseFee(), 7 gwei);
        vm.assertEq(info.blobBaseFee(), block.blobbasefee);
        vm.assertEq(info.parentHash(), blockhash(999));
        bytes memory forged = abi.encodeCall(info.setL1BlockInfo, (1, 2, 3, 4, bytes32(0)));
        _order(user, address(info), forged, false);
        vm.expectRevert(abi.encodeWithSelector(L1BlockInfo.NotL1Mailbox.selector, address(this), address(0)));
        info.setL1BlockInfo(1, 2, 3, 4, 0);
        vm.assertEq(info.number(), 1000);
    }
}
