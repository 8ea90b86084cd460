// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {L2MsgProof} from "../src/interfaces/IL1Mailbox.sol";
import {IL1ERC20Bridge, IL1ETHBridge} from "../src/interfaces/IBridges.sol";
import {Messages} from "../src/lib/Message.sol";
import {Opening} from "../src/lib/Openings.sol";
import {Predeploys} from "../src/lib/Predeploys.sol";
import {Rollup} from "../src/l1/Rollup.sol";
import {System} from "./System.sol";
import {PlainToken} from "./Tokens.sol";

/// Gas of whole transactions on L1, calldata included, verifiers not: snapshots/gas.json, and the README's table.
/// forge-config: default.isolate = true
contract GasTest is System {
    uint256 private constant DEPTH = 21; // 2²¹ messages
    function test_commit_calldata() public {
        finalize(0, 0);
        Made memory made = next(0);
        made.data = abi.encodePacked(uint8(1), new bytes(999));
        made.header.dataHash = keccak256(made.data);
        commit(made, 0);
        vm.snapshotGasLastCall("gas", "commit, 1,000 bytes of calldata (zeros)");
    }

    function test_deposit_eth() public {
        _deposit();
        _deposit();
        vm.snapshotGasLastCall("gas", "deposit of ETH");
    }

    function test_deposit_token() public {
        PlainToken token = new PlainToken();
        token.transfer(user, 1000);
        vm.prank(user);
        token.approve(address(l1Erc20), 1000);
        _depositToken(token, 2_000_000);
        vm.snapshotGasLastCall("gas", "first deposit of a token");
        _depositToken(token, GAS);
        vm.snapshotGasLastCall("gas", "later deposit of a token");
    }

    function test_withdraw_eth() public {
        _deposit();
        bytes memory data = abi.encodeCall(IL1ETHBridge.finalizeWithdraw, (user, address(0xB0B), 0.5 ether));
        _pay(address(l1Eth), Predeploys.L2_ETH_BRIDGE, 0.5 ether, data, 1);
        vm.snapshotGasLastCall("gas", "withdrawal of ETH, one of 2,097,152");
    }

    function test_withdraw_token() public {
        PlainToken token = new PlainToken();
        token.transfer(user, 1000);
        vm.prank(user);
        token.approve(address(l1Erc20), 1000);
        _depositToken(token, 2_000_000);
        bytes memory data =
            abi.encodeCall(IL1ERC20Bridge.finalizeWithdraw, (address(token), user, address(0xB0B), 50));
        _pay(address(l1Erc20), Predeploys.L2_ERC20_BRIDGE, 0, data, 1);
        vm.snapshotGasLastCall("gas", "withdrawal of a token, one of 2,097,152");
    }

    function _deposit() private {
        vm.prank(user);
        l1Eth.deposit{value: 1 ether + FEE}(user, 1 ether, GAS, user);
    }

    function _depositToken(PlainToken token, uint256 gas) private {
        vm.prank(user);
        l1Erc20.deposit{value: gas * BASE_FEE}(address(token), user, 100, gas, user);
    }

    function _pay(address target, address sender, uint256 value, bytes memory data, uint256 l1Msgs) private {
        bytes32 node = keccak256(Messages.l2Call(sender, target, value, 0, data));
        bytes memory siblings;
        for (uint256 i = 0; i < DEPTH; i++) {
            bytes32 sibling = keccak256(abi.encode(i));
            siblings = abi.encodePacked(siblings, sibling);
            node = keccak256(abi.encodePacked(node, sibling));
        }
        L2MsgProof memory proof = L2MsgProof(finalize(l1Msgs, node), siblings);
        mailbox.relayMsgWithProof(sender, target, value, 0, data, proof);
    }
}

/// The same for transactions with blobs, which forge cannot send one by one: the state they read is cold, and their
/// intrinsic gas is added.
contract BlobGasTest is System {
    string private _json = vm.readFile("test/vectors/wire.json");
    bytes32 private _digest = vm.parseJsonBytes32(_json, ".blobs.dataDigest");
    uint256 private _used;

    function test_commit_one_blob() public {
        finalize(0, 0);
        _commit(1);
        _note("commit, 1 blob");
    }

    function test_commit_two_blobs() public {
        finalize(0, 0);
        _commit(2);
        _note("commit, 2 blobs");
    }

    function test_verify_one_blob() public {
        finalize(0, 0);
        _verify(1, _commit(1));
        _note("first claim, 1 blob");
    }

    function test_verify_two_blobs() public {
        finalize(0, 0);
        _verify(1, _commit(2));
        _note("first claim, 2 blobs");
    }

    function test_verify_second() public {
        finalize(0, 0);
        Made memory made = _commit(1);
        _verify(1, made);
        _verify(0, made);
        _note("second claim and finality, 1 blob");
    }

    /// A batch of the first blobs of the vectors; each opens for the same data, together or alone.
    function _commit(uint256 blobs) private returns (Made memory made) {
        bytes32[] memory all = vm.parseJsonBytes32Array(_json, ".blobs.versionedHashes");
        bytes32[] memory y = vm.parseJsonBytes32Array(_json, ".blobs.y");
        bytes32[] memory z = vm.parseJsonBytes32Array(_json, ".blobs.z");
        bytes[] memory commitments = vm.parseJsonBytesArray(_json, ".blobs.commitments");
        bytes[] memory proofs = vm.parseJsonBytesArray(_json, ".blobs.proofs");
        bytes32[] memory hashes = new bytes32[](blobs);
        made = next(0);
        made.digest = _digest;
        made.openings = new Opening[](blobs);
        made.points = new bytes32[](2 * blobs);
        for (uint256 i = 0; i < blobs; i++) {
            hashes[i] = all[i];
            made.openings[i] = Opening(y[i], commitments[i], proofs[i]);
            (made.points[2 * i], made.points[2 * i + 1]) = (z[i], y[i]);
        }
        made.header.dataHash = keccak256(abi.encodePacked(hashes));
        vm.blobhashes(hashes);
        _cool();
        vm.prank(relayer, relayer);
        rollup.commitBatch(2, made.header.index, 0);
        _used = _whole(abi.encodeCall(rollup.commitBatch, (2, made.header.index, 0)));
    }

    function _verify(uint8 proveType, Made memory made) private {
        bytes memory proof = proofOf(made, proveType == 0 ? PROGRAM : ENCLAVE);
        Rollup.Output memory o = made.output;
        bytes memory call =
            abi.encodeCall(rollup.verifyBatch, (proveType, encode(made.header), o.stateRoot, o.l2MsgRoot, proof));
        _cool();
        (bool success,) = address(rollup).call(call);
        _used = _whole(call);
        vm.assertTrue(success);
    }

    function _cool() private {
        vm.cool(address(rollup));
        vm.cool(address(mailbox));
        vm.cool(address(verifier));
    }

    /// Gas of the last call as a transaction with this calldata.
    function _whole(bytes memory data) private view returns (uint256 gas) {
        gas = vm.lastCallGas().gasTotalUsed + 21_000;
        for (uint256 i = 0; i < data.length; i++) {
            gas += data[i] == 0 ? 4 : 16;
        }
    }

    function _note(string memory name) private {
        vm.snapshotValue("gas", name, _used);
    }
}
