// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {EscapeHatch} from "../src/l1/EscapeHatch.sol";
import {Rollup} from "../src/l1/Rollup.sol";
import {ZkTrie} from "../src/lib/ZkTrie.sol";
import {System} from "./System.sol";
import {PlainToken} from "./Tokens.sol";

/// Exits through the hatch that mailbox and bridge name, against states of a single leaf.
contract ExitsTest is System {
    address private _alice = address(0xA11CE);

    /// Makes a state final that holds this leaf alone; its proof shows the leaf, and that there is no other.
    function _final(bytes32 key, uint256 value, uint256 l1Msgs) private returns (bytes memory proof) {
        Made memory made = next(l1Msgs);
        made.output.stateRoot = ZkTrie.leafOf(key, bytes32(value));
        commit(made, l1Msgs);
        prove(1, made);
        prove(0, made);
        return abi.encodePacked(uint8(1), key, value);
    }

    function _openExodus() private {
        send(0);
        vm.warp(block.timestamp + clocks.exodus);
        rollup.openExodus();
    }

    function _account(bytes memory basic) private pure returns (EscapeHatch.AccountProof memory) {
        return EscapeHatch.AccountProof(basic, "", address(0));
    }

    function test_eth_leaves_once_and_only_after_exodus() public {
        send(5 ether);
        bytes memory proof = _final(ZkTrie.keyOf(_alice, 0, ZkTrie.BASIC), 2 ether, 1);
        vm.expectRevert(abi.encodeWithSelector(EscapeHatch.NotInExodus.selector));
        escape.exitETH(_alice, _account(proof));

        Made memory late = next(1);
        commit(late, 1);
        prove(1, late);
        bytes memory second = proofOf(late, PROGRAM);
        _openExodus();
        escape.exitETH(_alice, _account(proof));
        vm.assertEq(_alice.balance, 2 ether);
        vm.expectRevert(abi.encodeWithSelector(EscapeHatch.AlreadyExited.selector, _alice, address(0)));
        escape.exitETH(_alice, _account(proof));
        vm.expectRevert(abi.encodeWithSelector(Rollup.InExodus.selector));
        rollup.verifyBatch(0, encode(late.header), late.output.stateRoot, 0, second);
    }

    function test_tokens_leave_once_and_only_registered_ones() public {
        PlainToken token = new PlainToken();
        token.approve(address(l1Erc20), 1000);
        vm.deal(address(this), 10 ether);
        l1Erc20.deposit{value: 2_000_000 * BASE_FEE}(address(token), _alice, 1000, 2_000_000, user);
        address bridged = l1Erc20.l2TokenOf(address(token));
        bytes32 slot = keccak256(abi.encode(_alice, 0));
        bytes memory proof = _final(ZkTrie.keyOf(bridged, slot, ZkTrie.SLOT), 700, 1);
        _openExodus();
        escape.exitERC20(address(token), _alice, _account(proof), proof);
        vm.assertEq(token.balanceOf(_alice), 700);
        vm.assertEq(l1Erc20.locked(address(token)), 300);
        vm.expectRevert(abi.encodeWithSelector(EscapeHatch.AlreadyExited.selector, _alice, address(token)));
        escape.exitERC20(address(token), _alice, _account(proof), proof);
        IERC20 other = new PlainToken();
        vm.expectRevert(abi.encodeWithSelector(EscapeHatch.UnknownToken.selector, address(other)));
        escape.exitERC20(address(other), _alice, _account(proof), proof);
    }
}
