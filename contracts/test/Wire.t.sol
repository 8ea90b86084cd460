// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {BatchHeader, BatchHeaders} from "../src/lib/BatchHeader.sol";
import {L1Message, Messages} from "../src/lib/Message.sol";
import {MessageProofs, MessageTree} from "../src/lib/MessageTree.sol";
import {Opening, Openings} from "../src/lib/Openings.sol";
import {Statement, Statements} from "../src/lib/Statement.sol";
import {Base} from "./Base.sol";

contract Tree is MessageTree {
    function append(bytes32 leaf) external {
        _append(leaf);
    }

    function rootOf(bytes32 leaf, uint256 index, bytes calldata siblings) external pure returns (bytes32) {
        return MessageProofs.rootOf(leaf, index, siblings);
    }
}

/// The same bytes and hashes as the Python side of the wire formats, and ckzg, find (script/vectors.py).
contract WireTest is Base {
    using Messages for L1Message;

    string private _json = vm.readFile("test/vectors/wire.json");

    function decode(bytes calldata header) external pure returns (BatchHeader memory) {
        return BatchHeaders.decode(header);
    }

    function check(Opening[] calldata openings, bytes32 dataDigest) external view {
        Openings.check(openings, dataDigest);
    }

    function test_header() public view {
        bytes memory header = vm.parseJsonBytes(_json, ".header");
        BatchHeader memory decoded = this.decode(header);
        vm.assertEq(decoded.version, 2);
        vm.assertEq(decoded.index, 77);
        vm.assertEq(BatchHeaders.hash(decoded), keccak256(header));
    }

    function test_message_hashes() public view {
        uint256[4] memory nonces = [uint256(0), 1, 0x80, 300];
        uint256[4] memory values = [uint256(0), 1 ether, 1, 0];
        uint64[4] memory gas = [uint64(300_000), 0x7f, 1 << 32, 1 << 63];
        bytes32[] memory hashes = vm.parseJsonBytes32Array(_json, ".messages.hashes");
        bytes[] memory datas = vm.parseJsonBytesArray(_json, ".messages.datas");
        bytes32 rolling;
        for (uint256 i = 0; i < 4; i++) {
            L1Message memory message = L1Message(
                0x0505050505050505050505050505050505050505,
                0x0D0D0D0D0D0D0D0d0d0d0d0D0d0D0D0D0D0d0d0d,
                values[i],
                nonces[i],
                datas[i],
                gas[i],
                0x4040404040404040404040404040404040404040
            );
            bytes32 hash = Messages.hash(message.nonce, message.gasLimit, message.callOf());
            vm.assertEq(hash, hashes[i]);
            rolling = Messages.roll(rolling, hash);
        }
        vm.assertEq(rolling, vm.parseJsonBytes32(_json, ".messages.rollingHash"));
    }

    function test_tree() public {
        bytes32[] memory leaves = vm.parseJsonBytes32Array(_json, ".tree.leaves");
        bytes32[] memory roots = vm.parseJsonBytes32Array(_json, ".tree.roots");
        bytes[] memory proofs = vm.parseJsonBytesArray(_json, ".tree.proofs");
        Tree tree = new Tree();
        vm.assertEq(tree.msgRoot(), roots[0]);
        for (uint256 i = 0; i < leaves.length; i++) {
            tree.append(leaves[i]);
            vm.assertEq(tree.msgRoot(), roots[i + 1]);
            vm.assertEq(vm.load(address(tree), 0), roots[i + 1], "slot 0");
        }
        for (uint256 i = 0; i < leaves.length; i++) {
            vm.assertEq(tree.rootOf(leaves[i], i, proofs[i]), roots[leaves.length]);
        }
    }

    function test_proofs_of_another_size_are_refused() public {
        Tree tree = new Tree();
        vm.expectRevert(abi.encodeWithSelector(MessageProofs.WrongProofSize.selector, 31, 0));
        tree.rootOf(0, 0, new bytes(31));
        vm.expectRevert(abi.encodeWithSelector(MessageProofs.WrongProofSize.selector, 64, 4));
        tree.rootOf(0, 4, new bytes(64));
        vm.expectRevert(abi.encodeWithSelector(MessageProofs.WrongProofSize.selector, 41 * 32, 0));
        tree.rootOf(0, 0, new bytes(41 * 32));
    }

    function test_statement() public view {
        bytes32[] memory w = vm.parseJsonBytes32Array(_json, ".statement.words");
        bytes32[] memory points = vm.parseJsonBytes32Array(_json, ".statement.points");
        Statement memory statement = Statement({
            l1ChainId: 1,
            rollup: 0x4040404040404040404040404040404040404040,
            l2ChainId: 20257,
            chainConfigHash: w[0],
            parentBatchHash: w[1],
            batchHash: w[2],
            preStateRoot: w[3],
            postStateRoot: w[4],
            parentBlockHash: w[5],
            lastBlockHash: w[6],
            lastTimestamp: 1_800_000_000_123,
            l2MsgRoot: w[7],
            dataDigest: w[8],
            openingsHash: keccak256(abi.encodePacked(points))
        });
        vm.assertEq(Statements.hash(statement), vm.parseJsonBytes32(_json, ".statement.hash"));
    }

    function test_openings() public {
        (Opening[] memory openings, bytes32 dataDigest) = blobs();
        (bytes32 dataHash, bytes32 openingsHash) = Openings.digests(openings, dataDigest);
        vm.assertEq(dataHash, vm.parseJsonBytes32(_json, ".blobs.dataHash"));
        bytes32[] memory z = vm.parseJsonBytes32Array(_json, ".blobs.z");
        vm.assertEq(openingsHash, keccak256(abi.encodePacked(z[0], openings[0].y, z[1], openings[1].y)));
        this.check(openings, dataDigest);
        openings[1].y = bytes32(uint256(openings[1].y) ^ 1);
        bytes32 versionedHash = Openings.versionedHash(openings[1].commitment);
        vm.expectRevert(
            abi.encodeWithSelector(Openings.WrongOpening.selector, 1, versionedHash, z[1], openings[1].y)
        );
        this.check(openings, dataDigest);
    }

    function blobs() internal view returns (Opening[] memory openings, bytes32 dataDigest) {
        bytes32[] memory y = vm.parseJsonBytes32Array(_json, ".blobs.y");
        bytes[] memory commitments = vm.parseJsonBytesArray(_json, ".blobs.commitments");
        bytes[] memory proofs = vm.parseJsonBytesArray(_json, ".blobs.proofs");
        openings = new Opening[](y.length);
        for (uint256 i = 0; i < y.length; i++) {
            openings[i] = Opening(y[i], commitments[i], proofs[i]);
        }
        dataDigest = vm.parseJsonBytes32(_json, ".blobs.dataDigest");
    }
}
