// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IL1Mailbox} from "../src/interfaces/IL1Mailbox.sol";
import {L1Mailbox} from "../src/l1/L1Mailbox.sol";
import {Rollup} from "../src/l1/Rollup.sol";
import {Rules} from "../src/l1/RuleBook.sol";
import {BatchHeader, BatchHeaders} from "../src/lib/BatchHeader.sol";
import {Clocks} from "../src/lib/Clocks.sol";
import {Opening} from "../src/lib/Openings.sol";
import {L1Message} from "../src/lib/Message.sol";
import {Base} from "./Base.sol";
import {TestVerifier} from "./TestVerifier.sol";

/// L1's contracts with a verifier of tests, and batches made for them.
abstract contract L1 is Base {
    using BatchHeaders for BatchHeader;

    uint64 internal constant L2_CHAIN = 20257;
    bytes32 internal constant PROGRAM = keccak256("program");
    bytes32 internal constant ENCLAVE = keccak256("enclave");
    uint256 internal constant BASE_FEE = 1e6;
    uint256 internal constant GAS = 500_000;
    uint256 internal constant FEE = BASE_FEE * GAS;
    uint64 internal constant FORCED_MESSAGES = 8;
    uint64 internal constant FORCED_GAS = 3_000_000;
    uint256 internal constant START = 1_800_000_000;

    address internal owner = address(0x0117);
    address internal council = address(0xC0C1);
    address internal relayer = address(0x12E1);
    address internal hatch = address(0x4A7C);
    address internal user = address(0x05E2);

    TestVerifier internal verifier;
    Rollup internal rollup;
    L1Mailbox internal mailbox;
    Clocks internal clocks =
        Clocks({inclusion: 1 hours, unproven: 1 days, opening: 3 days, exodus: 7 days, pause: 1 days, ahead: 60, behind: 3 days});

    function setUp() public virtual {
        vm.warp(START);
        vm.roll(1000);
        verifier = new TestVerifier();
        deploy(new address[](0));
        vm.deal(user, 1000 ether);
    }

    function deploy(address[] memory bridges) internal {
        address predicted = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        address[] memory relayers = new address[](1);
        relayers[0] = relayer;
        rollup = new Rollup(
            Rollup.Settings({
                l2ChainId: L2_CHAIN,
                mailbox: IL1Mailbox(predicted),
                owner: owner,
                council: council,
                relayers: relayers,
                clocks: clocks,
                forcedMessages: FORCED_MESSAGES,
                forcedGas: FORCED_GAS,
                rules: rules(),
                genesis: genesis()
            })
        );
        mailbox = new L1Mailbox(
            L1Mailbox.Settings({
                rollup: address(rollup),
                owner: owner,
                escapeHatch: hatch,
                bridges: bridges,
                baseFee: BASE_FEE,
                l2GasLimit: FORCED_GAS,
                l2FinalizeDepositGasUsed: 300_000
            })
        );
        vm.assertEq(address(mailbox), predicted);
    }

    function rules() internal view returns (Rules memory) {
        return Rules(keccak256("configuration"), address(verifier), address(verifier), PROGRAM);
    }

    function genesis() internal pure returns (Rollup.Output memory) {
        return Rollup.Output(keccak256("genesis state"), 0, keccak256("genesis block"), uint64((START - 10) * 1000));
    }

    // ---- batches

    /// What a batch says, as an honest prover would find it.
    struct Made {
        BatchHeader header;
        Rollup.Output parent;
        Rollup.Output output;
        bytes data; // DA version and DA data, of a batch in calldata
        bytes32 digest;
        Opening[] openings;
        bytes32[] points; // z and y of each blob
    }

    function next(uint256 l1Msgs) internal view returns (Made memory made) {
        return next(l1Msgs, rollup.lastCommittedBatch(), bytes32(0));
    }

    /// The batch behind batch number `parent`, in calldata.
    function next(uint256 l1Msgs, uint256 parent, bytes32 l2MsgRoot) internal view returns (Made memory made) {
        uint64 index = uint64(parent + 1);
        made.data = abi.encodePacked(uint8(2), "data of batch ", index);
        made.digest = keccak256(made.data);
        made.header =
            BatchHeader(2, index, mailbox.getMsg(l1Msgs), made.digest, rollup.committedBatches(parent));
        made.parent = outputOf(parent);
        made.output = Rollup.Output(
            keccak256(abi.encode("state", index)),
            l2MsgRoot,
            keccak256(abi.encode("block", index)),
            uint64(block.timestamp) * 1000
        );
    }

    /// What honest provers find for batch number `index` of those made here.
    function outputOf(uint256 index) internal view returns (Rollup.Output memory output) {
        if (index == 0) return genesis();
        (, output) = rollup.claim(rollup.TEE(), index);
        if (output.lastTimestamp == 0) (, output) = rollup.claim(rollup.ZK(), index);
    }

    function statement(Made memory made) internal view returns (bytes32) {
        return keccak256(
            bytes.concat(
                abi.encode(
                    keccak256("Jovay statement 1"),
                    block.chainid,
                    rollup,
                    uint256(L2_CHAIN),
                    keccak256("configuration"),
                    made.header.parentBatchHash,
                    made.header.hash(),
                    made.parent.stateRoot
                ),
                abi.encode(
                    made.output.stateRoot,
                    made.parent.lastBlockHash,
                    made.output.lastBlockHash,
                    uint256(made.output.lastTimestamp),
                    made.output.l2MsgRoot,
                    made.digest,
                    keccak256(abi.encodePacked(made.points))
                )
            )
        );
    }

    function encode(BatchHeader memory header) internal pure returns (bytes memory) {
        return abi.encodePacked(
            header.version, header.index, header.l1MsgRollingHash, header.dataHash, header.parentBatchHash
        );
    }

    function commit(Made memory made, uint256 l1Msgs) internal {
        vm.prank(relayer, relayer);
        rollup.commitBatchWithDaProof(encode(made.header), l1Msgs, made.data);
    }

    function proofOf(Made memory made, bytes32 prover) internal view returns (bytes memory) {
        return abi.encode(
            made.output.lastBlockHash,
            made.output.lastTimestamp,
            made.digest,
            made.openings,
            verifier.prove(statement(made), prover)
        );
    }

    function prove(uint8 proveType, Made memory made) internal {
        prove(proveType, made, proveType == 0 ? PROGRAM : ENCLAVE);
    }

    function prove(uint8 proveType, Made memory made, bytes32 prover) internal {
        rollup.verifyBatch(
            proveType, encode(made.header), made.output.stateRoot, made.output.l2MsgRoot, proofOf(made, prover)
        );
    }

    /// Commits and proves a batch.
    function finalize(uint256 l1Msgs, bytes32 l2MsgRoot) internal returns (uint256 index) {
        Made memory made = next(l1Msgs, rollup.lastCommittedBatch(), l2MsgRoot);
        commit(made, l1Msgs);
        prove(1, made);
        prove(0, made);
        return made.header.index;
    }

    // ---- messages

    function send(uint256 value) internal returns (L1Message memory message) {
        message = L1Message(user, address(0xD00D), value, mailbox.nextMsgIndex(), "call", uint64(GAS), user);
        vm.prank(user);
        mailbox.sendMsg{value: value + FEE}(message.target, value, message.data, GAS, user);
    }
}
