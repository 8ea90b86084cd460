// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IL1Mailbox} from "../interfaces/IL1Mailbox.sol";
import {IProofVerifier} from "../interfaces/IProofVerifier.sol";
import {IRollup} from "../interfaces/IRollup.sol";
import {BatchHeader, BatchHeaders} from "../lib/BatchHeader.sol";
import {Clocks, ClocksOrder} from "../lib/Clocks.sol";
import {Opening, Openings} from "../lib/Openings.sol";
import {Statement, Statements} from "../lib/Statement.sol";
import {ForcedInclusion} from "./ForcedInclusion.sol";
import {Roles} from "./Roles.sol";
import {RuleBook, Rules} from "./RuleBook.sol";

/// Batches of L2 blocks: committed in order, claimed by both provers in order, final when both claims agree.
contract Rollup is Roles, RuleBook, ForcedInclusion, ReentrancyGuardTransient {
    using BatchHeaders for BatchHeader;
    using Openings for Opening[];
    using Statements for Statement;

    struct Batch {
        bytes32 hash;
        uint64 committedAt;
        uint64 l1Msgs; // executed by all batches up to this one
        uint64 rules; // number in the rule book
        uint8 blobs; // 0: its data came as calldata
    }

    /// What a batch leads to.
    struct Output {
        bytes32 stateRoot;
        bytes32 l2MsgRoot;
        bytes32 lastBlockHash;
        uint64 lastTimestamp; // milliseconds
    }

    struct Claim {
        bytes32 statementHash;
        bytes32 proverId;
    }

    /// The rest of the statement, the openings of the blobs and what the verifier takes: `proof` of verifyBatch.
    struct Proof {
        bytes32 lastBlockHash;
        uint64 lastTimestamp;
        bytes32 dataDigest;
        Opening[] openings;
        bytes verifierProof;
    }

    struct Settings {
        uint64 l2ChainId;
        IL1Mailbox mailbox;
        address owner;
        address council;
        address[] relayers;
        Clocks clocks;
        uint64 forcedMessages; // a batch owes at most so many messages
        uint64 forcedGas; // of so much gas together
        Rules rules;
        Output genesis;
    }

    string public constant CONTRACT_VERSION = "1.0.0";
    uint8 public constant ZK = 0;
    uint8 public constant TEE = 1;
    uint8 public constant MAX_BATCH_VERSION = 2;
    uint8 public constant MAX_DA_VERSION = 2;
    /// EIP-7594: an L1 transaction carries no more.
    uint32 public constant l1BlobNumberLimit = 6;

    uint64 public immutable layer2ChainId;
    uint64 private immutable _unproven;
    uint64 private immutable _opening;
    uint64 private immutable _exodusAfter;
    uint64 private immutable _ahead;
    uint64 private immutable _behind;

    bool public exodus;
    uint256 public lastCommittedBatch;
    uint256 public lastFinalizedBatch;
    /// Claims of a type stand for the batches up to here; what lies above is void.
    mapping(uint8 proveType => uint256 batchIndex) private _lastClaimed;
    mapping(uint256 batchIndex => Batch) private _batches;
    mapping(uint256 batchIndex => mapping(uint8 proveType => Claim)) private _claims;
    /// By statement; one that is here has had its openings checked. Genesis is the output of statement 0.
    mapping(bytes32 statementHash => Output) private _outputs;

    event CommitBatch(uint256 indexed batchIndex, bytes32 indexed batchHash);
    event BlobDataHash(bytes32 indexed batchDataHash);
    event VerifyBatch(
        uint8 proveType, uint256 indexed batchIndex, bytes32 indexed batchHash, bytes32 stateRoot, bytes32 l2MsgRoot
    );
    event FinalizeBatch(
        uint256 indexed batchIndex, bytes32 indexed batchHash, bytes32 stateRoot, bytes32 l2MsgRoot
    );
    event BatchDisputed(uint256 indexed batchIndex, bytes32 zkStatement, bytes32 teeStatement);
    event ClaimsVoided(uint8 proveType, uint256 indexed fromBatch, bytes32 indexed proverId);
    event BatchesReverted(uint256 newLastBatchIndex);
    event ExodusOpened(uint256 lastFinalizedBatch);

    error InExodus();
    error WrongBatchIndex(uint256 given, uint256 expected);
    error NotCommitted(uint256 batchIndex, uint256 lastCommittedBatch);
    error WrongHeader(bytes32 given, bytes32 expected);
    error UnknownBatchVersion(uint8 version);
    error UnknownDaVersion(uint8 version);
    error NoData();
    error NotSentDirectly(address caller);
    error UnknownProveType(uint8 proveType);
    error NoVerifier(uint8 proveType);
    error WrongProgram(bytes32 proven, bytes32 expected);
    error WrongData(bytes32 given, bytes32 expected);
    error WrongNumberOfOpenings(uint256 given, uint256 expected);
    error TimeGoesBack(uint64 given, uint64 before);
    error TimeOutOfBounds(uint64 given, uint256 least, uint256 most);
    error NotClaimed(uint8 proveType, uint256 batchIndex);
    error NotRevoked(bytes32 proverId);
    error BatchIsFinal(uint256 batchIndex);
    error BatchIsClaimed(uint256 batchIndex);
    error TooEarly(uint256 due);
    error ClaimsDiffer(bytes32 zkStatement, bytes32 teeStatement);

    modifier running() {
        if (exodus) revert InExodus();
        _;
    }

    constructor(Settings memory s)
        Roles(s.owner, s.council, s.relayers, s.clocks.pause, s.clocks.opening)
        RuleBook(s.rules)
        ForcedInclusion(s.mailbox, s.clocks.inclusion, s.forcedMessages, s.forcedGas)
    {
        ClocksOrder.check(s.clocks);
        layer2ChainId = s.l2ChainId;
        (_unproven, _opening) = (s.clocks.unproven, s.clocks.opening);
        (_exodusAfter, _ahead, _behind) = (s.clocks.exodus, s.clocks.ahead, s.clocks.behind);
        BatchHeader memory genesis;
        _batches[0].hash = genesis.hash();
        _batches[0].committedAt = uint64(block.timestamp);
        _outputs[0] = s.genesis;
    }

    // ---- commit

    /// Commits a batch whose data lie in the blobs of this transaction.
    /// @param totalL1MsgPopped number of L1 messages that all batches up to this one have executed
    function commitBatch(uint8 version, uint256 batchIndex, uint256 totalL1MsgPopped)
        external
        onlyRelayer
        whenNotPaused
        running
    {
        _requireNext(batchIndex);
        (bytes32 dataHash, uint8 blobs) = _blobs();
        _commit(version, totalL1MsgPopped, dataHash, blobs);
    }

    /// Commits a batch whose DA data, behind the DA version, are `daProof`; sent by an account without code.
    function commitBatchWithDaProof(bytes calldata batchHeader, uint256 totalL1MsgPopped, bytes calldata daProof)
        external
        onlyRelayer
        whenNotPaused
        running
    {
        BatchHeader memory given = BatchHeaders.decode(batchHeader);
        _requireNext(given.index);
        BatchHeader memory header = _commit(given.version, totalL1MsgPopped, _calldata(daProof), 0);
        if (given.hash() != header.hash()) revert WrongHeader(given.hash(), header.hash());
    }

    /// For everyone, once something has been open for T1: a batch after the last final one, final at once.
    /// Batches that are in its way are reverted, so that garbage cannot block it.
    /// @param daData as in commitBatchWithDaProof; empty: blobs of this transaction
    function commitAndVerify(
        uint8 version,
        uint256 totalL1MsgPopped,
        bytes calldata daData,
        bytes32 postStateRoot,
        bytes32 l2MsgRoot,
        bytes calldata zkProof,
        bytes calldata teeProof
    ) external whenNotPaused running nonReentrant {
        _requireSince(openSince(), _opening);
        if (lastCommittedBatch > lastFinalizedBatch) _revertTo(lastFinalizedBatch);
        (bytes32 dataHash, uint8 blobs) = daData.length > 0 ? (_calldata(daData), 0) : _blobs();
        BatchHeader memory header = _commit(version, totalL1MsgPopped, dataHash, blobs);
        _verify(ZK, header, postStateRoot, l2MsgRoot, zkProof);
        _verify(TEE, header, postStateRoot, l2MsgRoot, teeProof);
        if (lastFinalizedBatch != header.index) {
            mapping(uint8 => Claim) storage claims = _claims[header.index];
            revert ClaimsDiffer(claims[ZK].statementHash, claims[TEE].statementHash);
        }
    }

    // ---- prove

    /// Stores what a prover claims of a committed batch; open to all. The second of two equal claims makes it final.
    /// @param proveType 0 ZK, 1 TEE
    /// @param proof abi.encode of the fields of Proof
    function verifyBatch(
        uint8 proveType,
        bytes calldata batchHeader,
        bytes32 postStateRoot,
        bytes32 l2MsgRoot,
        bytes calldata proof
    ) external running nonReentrant {
        _verify(proveType, BatchHeaders.decode(batchHeader), postStateRoot, l2MsgRoot, proof);
    }

    /// Takes back the claims of a type from a batch on, when what stood behind the first of them is revoked.
    function voidClaims(uint8 proveType, uint256 batchIndex) external running nonReentrant {
        if (batchIndex <= lastFinalizedBatch) revert BatchIsFinal(batchIndex);
        if (batchIndex > _lastClaimed[proveType]) revert NotClaimed(proveType, batchIndex);
        bytes32 proverId = _claims[batchIndex][proveType].proverId;
        if (!_verifier(proveType, _batches[batchIndex].rules).isRevoked(proverId)) revert NotRevoked(proverId);
        _lastClaimed[proveType] = batchIndex - 1;
        emit ClaimsVoided(proveType, batchIndex, proverId);
    }

    // ---- when somebody fails

    /// Drops the batches behind a batch: by the owner, or by anyone when the first of them stood unclaimed for T3.
    function revertBatches(uint256 newLastBatchIndex) external running nonReentrant {
        if (newLastBatchIndex < lastFinalizedBatch) revert BatchIsFinal(newLastBatchIndex + 1);
        uint256 first = newLastBatchIndex + 1;
        if (first > lastCommittedBatch) revert NotCommitted(first, lastCommittedBatch);
        if (msg.sender != owner()) {
            if (first <= _lastClaimed[ZK] || first <= _lastClaimed[TEE]) revert BatchIsClaimed(first);
            _requireSince(_batches[first].committedAt, _unproven);
        }
        _revertTo(newLastBatchIndex);
    }

    /// Ends the rollup for good, once something has been open for T2.
    function openExodus() external running nonReentrant {
        _requireSince(openSince(), _exodusAfter);
        exodus = true;
        emit ExodusOpened(lastFinalizedBatch);
    }

    /// New rules from a batch on that is not committed yet.
    function scheduleRules(uint64 fromBatch, Rules calldata rules) external onlyOwner {
        _schedule(fromBatch, rules, lastCommittedBatch);
    }

    // ---- views

    /// Since when the oldest thing has been open: a batch that is not final, a message not executed by a final one.
    function openSince() public view returns (uint256 since) {
        since = _sentAt(_batches[lastFinalizedBatch].l1Msgs);
        if (lastCommittedBatch > lastFinalizedBatch) {
            since = Math.min(since, _batches[lastFinalizedBatch + 1].committedAt);
        }
    }

    function clocks() external view returns (Clocks memory) {
        return Clocks(_inclusion, _unproven, _opening, _exodusAfter, pauseLimit, _ahead, _behind);
    }

    function paused() public view override(IRollup, Roles) returns (bool) {
        return Roles.paused();
    }

    /// A committed batch; zeros for one that is not.
    function batch(uint256 batchIndex) public view returns (Batch memory found) {
        if (batchIndex <= lastCommittedBatch) found = _batches[batchIndex];
    }

    function committedBatches(uint256 batchIndex) external view returns (bytes32) {
        return batch(batchIndex).hash;
    }

    /// Number of L1 messages that the batches up to this one have executed.
    function l1MsgCount(uint256 batchIndex) external view returns (uint256) {
        return batch(batchIndex).l1Msgs;
    }

    function lastZkVerifiedBatch() external view returns (uint256) {
        return _lastClaimed[ZK];
    }

    function lastTeeVerifiedBatch() external view returns (uint256) {
        return _lastClaimed[TEE];
    }

    /// A claim that stands, and what it says; zeros where none stands.
    function claim(uint8 proveType, uint256 batchIndex) public view returns (Claim memory found, Output memory output) {
        if (batchIndex <= _lastClaimed[proveType]) {
            found = _claims[batchIndex][proveType];
            output = _outputs[found.statementHash];
        }
    }

    /// Whether both claims of a batch stand and differ.
    function isDisputed(uint256 batchIndex) external view returns (bool) {
        return batchIndex <= _lastClaimed[ZK] && batchIndex <= _lastClaimed[TEE]
            && _claims[batchIndex][ZK].statementHash != _claims[batchIndex][TEE].statementHash;
    }

    function finalizedStateRoots(uint256 batchIndex) external view returns (bytes32) {
        return _finalOutput(batchIndex).stateRoot;
    }

    function getL2MsgRoot(uint256 batchIndex) external view returns (bytes32) {
        return _finalOutput(batchIndex).l2MsgRoot;
    }

    function l2MsgRoots(uint256 batchIndex) external view returns (bytes32) {
        return _finalOutput(batchIndex).l2MsgRoot;
    }

    /// Verifiers of the batch that is committed next.
    function tee_verifier() external view returns (address) {
        (Rules memory rules,) = rulesFor(lastCommittedBatch + 1);
        return rules.teeVerifier;
    }

    function zk_verifier() external view returns (address) {
        (Rules memory rules,) = rulesFor(lastCommittedBatch + 1);
        return rules.zkVerifier;
    }

    // ---- parts

    function _requireNext(uint256 batchIndex) private view {
        if (batchIndex != lastCommittedBatch + 1) revert WrongBatchIndex(batchIndex, lastCommittedBatch + 1);
    }

    function _requireSince(uint256 since, uint256 delay) private view {
        uint256 due = since > type(uint256).max - delay ? type(uint256).max : since + delay;
        if (block.timestamp < due) revert TooEarly(due);
    }

    function _blobs() private view returns (bytes32 dataHash, uint8 count) {
        bytes memory hashes;
        for (bytes32 blob = blobhash(0); blob != 0; blob = blobhash(++count)) {
            hashes = abi.encodePacked(hashes, blob);
        }
        if (count == 0) revert NoData();
        dataHash = keccak256(hashes);
    }

    /// Data in calldata are those of the transaction itself, where everyone finds them.
    function _calldata(bytes calldata daData) private view returns (bytes32 dataHash) {
        if (daData.length == 0) revert NoData();
        if (msg.sender != tx.origin || msg.sender.code.length > 0) revert NotSentDirectly(msg.sender);
        if (uint8(daData[0]) > MAX_DA_VERSION) revert UnknownDaVersion(uint8(daData[0]));
        dataHash = keccak256(daData);
    }

    /// Composes the header of the next batch from what L1 itself knows.
    function _commit(uint8 version, uint256 l1Msgs, bytes32 dataHash, uint8 blobs)
        private
        returns (BatchHeader memory header)
    {
        if (version > MAX_BATCH_VERSION) revert UnknownBatchVersion(version);
        uint64 index = uint64(lastCommittedBatch + 1);
        Batch storage parent = _batches[index - 1];
        _checkMessages(parent.l1Msgs, l1Msgs);
        header = BatchHeader(version, index, _mailbox.getMsg(l1Msgs), dataHash, parent.hash);
        bytes32 batchHash = header.hash();
        (, uint256 rules) = rulesFor(index);
        _batches[index] = Batch(batchHash, uint64(block.timestamp), uint64(l1Msgs), uint64(rules), blobs);
        lastCommittedBatch = index;
        emit BlobDataHash(dataHash);
        emit CommitBatch(index, batchHash);
    }

    function _verify(
        uint8 proveType,
        BatchHeader memory header,
        bytes32 postStateRoot,
        bytes32 l2MsgRoot,
        bytes calldata encoded
    ) private {
        if (proveType > TEE) revert UnknownProveType(proveType);
        uint256 index = header.index;
        if (index != _lastClaimed[proveType] + 1) revert WrongBatchIndex(index, _lastClaimed[proveType] + 1);
        if (index > lastCommittedBatch) revert NotCommitted(index, lastCommittedBatch);
        bytes32 batchHash = _batches[index].hash;
        if (header.hash() != batchHash) revert WrongHeader(header.hash(), batchHash);

        Proof memory proof = _decode(encoded);
        Output memory output = Output(postStateRoot, l2MsgRoot, proof.lastBlockHash, proof.lastTimestamp);
        Output memory parent = _outputs[_claims[index - 1][proveType].statementHash];
        _checkTime(proof.lastTimestamp, parent.lastTimestamp, _batches[index].committedAt);
        bytes32 statementHash = _statementHash(header, parent, output, proof);
        if (_outputs[statementHash].lastTimestamp == 0) {
            proof.openings.check(proof.dataDigest);
            _outputs[statementHash] = output;
        }
        bytes32 proverId = _checkProof(proveType, index, statementHash, proof.verifierProof);
        _claims[index][proveType] = Claim(statementHash, proverId);
        _lastClaimed[proveType] = index;
        emit VerifyBatch(proveType, index, batchHash, postStateRoot, l2MsgRoot);
        _compare(index, batchHash, output);
    }

    function _decode(bytes calldata encoded) private pure returns (Proof memory proof) {
        (proof.lastBlockHash, proof.lastTimestamp, proof.dataDigest, proof.openings, proof.verifierProof) =
            abi.decode(encoded, (bytes32, uint64, bytes32, Opening[], bytes));
    }

    function _checkTime(uint64 last, uint64 before, uint64 committedAt) private view {
        if (last < before) revert TimeGoesBack(last, before);
        uint256 least = committedAt > _behind ? uint256(committedAt - _behind) * 1000 : 0;
        uint256 most = uint256(committedAt + _ahead) * 1000;
        if (last < least || last > most) revert TimeOutOfBounds(last, least, most);
    }

    function _statementHash(
        BatchHeader memory header,
        Output memory parent,
        Output memory output,
        Proof memory proof
    ) private view returns (bytes32) {
        Batch storage committed = _batches[header.index];
        (bytes32 dataHash, bytes32 openingsHash) = proof.openings.digests(proof.dataDigest);
        if (proof.openings.length != committed.blobs) {
            revert WrongNumberOfOpenings(proof.openings.length, committed.blobs);
        }
        if (committed.blobs == 0) dataHash = proof.dataDigest;
        if (dataHash != header.dataHash) revert WrongData(dataHash, header.dataHash);
        return Statement({
            l1ChainId: block.chainid,
            rollup: address(this),
            l2ChainId: layer2ChainId,
            chainConfigHash: _rules(committed.rules).chainConfigHash,
            parentBatchHash: header.parentBatchHash,
            batchHash: committed.hash,
            preStateRoot: parent.stateRoot,
            postStateRoot: output.stateRoot,
            parentBlockHash: parent.lastBlockHash,
            lastBlockHash: output.lastBlockHash,
            lastTimestamp: output.lastTimestamp,
            l2MsgRoot: output.l2MsgRoot,
            dataDigest: proof.dataDigest,
            openingsHash: openingsHash
        }).hash();
    }

    function _checkProof(uint8 proveType, uint256 index, bytes32 statementHash, bytes memory verifierProof)
        private
        returns (bytes32 proverId)
    {
        uint256 rules = _batches[index].rules;
        proverId = _verifier(proveType, rules).verify(statementHash, index, verifierProof);
        bytes32 program = _rules(rules).zkProgramDigest;
        if (proveType == ZK && proverId != program) revert WrongProgram(proverId, program);
    }

    function _verifier(uint8 proveType, uint256 rules) private view returns (IProofVerifier) {
        address verifier = proveType == ZK ? _rules(rules).zkVerifier : _rules(rules).teeVerifier;
        if (verifier == address(0)) revert NoVerifier(proveType);
        return IProofVerifier(verifier);
    }

    /// Both claims on a batch: final when they are equal and all before is final, else a dispute.
    function _compare(uint256 index, bytes32 batchHash, Output memory output) private {
        if (index > _lastClaimed[ZK] || index > _lastClaimed[TEE]) return;
        bytes32 zk = _claims[index][ZK].statementHash;
        bytes32 tee = _claims[index][TEE].statementHash;
        if (zk != tee) {
            emit BatchDisputed(index, zk, tee);
        } else if (index == lastFinalizedBatch + 1) {
            lastFinalizedBatch = index;
            emit FinalizeBatch(index, batchHash, output.stateRoot, output.l2MsgRoot);
            _mailbox.popMsgs(_batches[index].l1Msgs);
        }
    }

    function _revertTo(uint256 newLast) private {
        lastCommittedBatch = newLast;
        if (_lastClaimed[ZK] > newLast) _lastClaimed[ZK] = newLast;
        if (_lastClaimed[TEE] > newLast) _lastClaimed[TEE] = newLast;
        emit BatchesReverted(newLast);
    }

    function _finalOutput(uint256 batchIndex) private view returns (Output memory output) {
        if (batchIndex <= lastFinalizedBatch) output = _outputs[_claims[batchIndex][TEE].statementHash];
    }
}
