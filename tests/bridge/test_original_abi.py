"""The contracts have the original's views, events, and functions of users and relayers, but for those listed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from jovay.bridge import artifacts
from rigs.archives import members

#: What is absent on purpose, with the reason.
BYPASS = "lets a key do what only proofs may"
DEPLOYED = "contracts are deployed whole, behind no proxy: there is nothing to initialise"
GENESIS = "genesis gives these contracts their storage"
SCHEDULED = "verifiers change by scheduleRules, from a batch on"
AGGREGATOR = "a limit of the aggregator, which no contract enforces"
ONE_PAUSE = "there is one pause, Rollup.setPause"
NO_SETTER = "fixed at deployment"
L1_OWNER = "owned by the timelock on L1 for good"
OPEN_DOOR = "sending is open to everyone: bridges have no privilege"
BY_NUMBER = "messages are known by their number and the rolling hash"
REVERTS = "a payment that fails reverts, and can be tried again"
ABSENT = {
    "Rollup": {
        "function importGenesisBatch(bytes,bytes32)": "genesis is part of the constructor",
        "function initialize(uint64,address,address,address,uint32,uint32,uint32,uint32,uint32,uint64)": DEPLOYED,
        "event RollupInitialized(uint64,address,address,address,uint32,uint32,uint32,uint32,uint32,uint64)": DEPLOYED,
        "event Initialized(uint8)": DEPLOYED,
        "function mode()": BYPASS,
        "function setMode(uint32)": BYPASS,
        "event ModeChanged(uint32,uint32)": BYPASS,
        "function zkVerificationStartBatch()": BYPASS,
        "function setZkVerificationStartBatch(uint256)": BYPASS,
        "event ZkVerificationStartBatchAndZkLastVerifiedBatchChanged(uint256,uint256)": BYPASS,
        "function daType()": "a batch itself says by which way its data came",
        "function setDaType(uint8)": BYPASS,
        "event DaTypeAcceptedChanged(uint8,uint8)": BYPASS,
        "function setTeeVerifierAddress(address)": SCHEDULED,
        "function setZkVerifierAddress(address)": SCHEDULED,
        "event TeeVerifierChanged(address,address)": SCHEDULED,
        "event ZkVerifierChanged(address,address)": SCHEDULED,
        "function maxBlockInChunk()": AGGREGATOR,
        "function maxCallDataInChunk()": AGGREGATOR,
        "function maxTxsInChunk()": AGGREGATOR,
        "function maxZkCircleInChunk()": AGGREGATOR,
        "function rollupTimeLimit()": AGGREGATOR,
        "function setMaxBlockInChunk(uint32)": AGGREGATOR,
        "function setMaxCallDataInChunk(uint32)": AGGREGATOR,
        "function setMaxTxsInChunk(uint32)": AGGREGATOR,
        "function setRollupTimeLimit(uint64)": AGGREGATOR,
        "event MaxBlockInChunkChanged(uint32,uint32)": AGGREGATOR,
        "event MaxCallDataInChunkChanged(uint32,uint32)": AGGREGATOR,
        "event MaxTxsInChunkChanged(uint32,uint32)": AGGREGATOR,
        "event RollupTimeLimitChanged(uint64,uint64)": AGGREGATOR,
        "function setL1BlobNumberLimit(uint32)": "the protocol of L1 sets it",
        "event L1BlobNumberLimitChanged(uint32,uint32)": "the protocol of L1 sets it",
        "event L2ChainIdChanged(uint64,uint64)": NO_SETTER,
        "event RevertBatch(uint256)": "any number of batches is reverted in one step: BatchesReverted",
    },
    "L1Mailbox": {
        "function initialize(address,address,uint256,uint256,uint256)": DEPLOYED,
        "event Initialized(uint8)": DEPLOYED,
        "function addBridge(address)": OPEN_DOOR,
        "function removeBridge(address)": OPEN_DOOR,
        "function pause()": ONE_PAUSE,
        "function unpause()": ONE_PAUSE,
        "event Paused(address)": ONE_PAUSE,
        "event Unpaused(address)": ONE_PAUSE,
        "function setRollup(address)": NO_SETTER,
        "function setWithdrawer(address)": "fees are the owner's",
        "function withdrawer()": "fees are the owner's",
        "function lastestQueueIndex()": "messages stay in the queue",
        "function setLastQueueIndex()": "messages stay in the queue",
        "function sendMsgMap(bytes32)": BY_NUMBER,
        "event RelayedMsgFailed(bytes32,uint256)": REVERTS,
        "event FinalizeDepositETHFailed(bytes32,uint256)": "deposits end on L2",
        "event FinalizeDepositETHSuccess(bytes32,uint256)": "deposits end on L2",
    },
    "L2Mailbox": {
        "function initialize(address,address,uint256)": GENESIS,
        "event Initialized(uint8)": GENESIS,
        "event Initialized(address,address,uint256)": GENESIS,
        "function version()": GENESIS,
        "function addBridge(address)": OPEN_DOOR,
        "function removeBridge(address)": OPEN_DOOR,
        "event BridgeAdded(address)": OPEN_DOOR,
        "event BridgeRemoved(address)": OPEN_DOOR,
        "function approveMsg(address,address,uint256,uint256,bytes)": BYPASS,
        "function msgOracle()": BYPASS,
        "function setMsgOracle(address)": BYPASS,
        "event SetMsgOracle(address)": BYPASS,
        "function setFinalizeL1MsgNonce(uint256)": BYPASS,
        "event SetFinalizeL1MsgNonce(uint256)": BYPASS,
        "function pendingMsgMap(bytes32)": "messages are executed when they arrive",
        "event PendingMsg(address,address,uint256,uint256,bytes)": "messages are executed when they arrive",
        "function claimERC20(uint256,bytes32)": "replayMsg brings tokens, refundMsg ETH",
        "function claimETH(address,uint256,uint256,bytes32)": "replayMsg brings tokens, refundMsg ETH",
        "function pause()": ONE_PAUSE,
        "function unpause()": ONE_PAUSE,
        "function paused()": ONE_PAUSE,
        "event Paused(address)": ONE_PAUSE,
        "event Unpaused(address)": ONE_PAUSE,
        "function renounceOwnership()": L1_OWNER,
        "function transferOwnership(address)": L1_OWNER,
        "event OwnershipTransferred(address,address)": L1_OWNER,
        "function setBaseFee(uint256)": "messages to L1 cost the gas of their transaction only",
        "event BaseFeeChanged(uint256,uint256)": "messages to L1 cost the gas of their transaction only",
        "function sendMsgMap(bytes32)": BY_NUMBER,
        "event RelayedMsg(bytes32,uint256)": "RelayMsgSuccess says it",
        "event RelayedMsgFailed(bytes32,uint256)": "RelayMsgFailed says it",
    },
    "L1GasOracle": {
        "function initialize(uint256,uint256,uint256)": GENESIS,
        "event Initialized(uint8)": GENESIS,
        "function renounceOwnership()": L1_OWNER,
        "function transferOwnership(address)": L1_OWNER,
        "event OwnershipTransferred(address,address)": L1_OWNER,
    },
    "L2CoinBase": {
        "function initialize(address)": GENESIS,
        "function initializeV2()": GENESIS,
        "event Initialized(uint8)": GENESIS,
        "event Initialized(address)": GENESIS,
        "event InitializedV2(uint8)": GENESIS,
        "function pause()": ONE_PAUSE,
        "function unpause()": ONE_PAUSE,
        "function paused()": ONE_PAUSE,
        "event Paused(address)": ONE_PAUSE,
        "event Unpaused(address)": ONE_PAUSE,
        "function renounceOwnership()": L1_OWNER,
        "function transferOwnership(address)": L1_OWNER,
        "event OwnershipTransferred(address,address)": L1_OWNER,
        "function setL2EthBridge(address)": "the bridge is a predeploy",
        "event SetL2EthBridge(address)": "the bridge is a predeploy",
    },
}


@pytest.mark.parametrize("name", sorted(ABSENT))
def test_the_original_is_contained(name: str) -> None:
    path = f"jovay-vectors/abi/{name}.json"
    original = json.loads(dict(members("jovay-vectors.tar.xz", path))[path])
    theirs = _signatures(original["abi"] if isinstance(original, dict) else original)
    ours = _signatures(artifacts.load(name).abi)
    missing = {signature: shape for signature, shape in theirs.items() if ours.get(signature) != shape}
    assert set(missing) == set(ABSENT[name]), "what differs from the original is not what is listed"


def _signatures(abi: Iterable[dict[str, Any]]) -> dict[str, tuple[object, ...]]:
    """Kind and signature → what callers and readers of logs depend on: types of outputs, purity, indexed fields."""
    found: dict[str, tuple[object, ...]] = {}
    for entry in abi:
        if entry["type"] not in ("function", "event"):
            continue
        inputs = entry["inputs"]
        signature = f"{entry['type']} {entry['name']}({','.join(map(_type, inputs))})"
        if entry["type"] == "event":
            found[signature] = tuple(field["indexed"] for field in inputs)
        else:
            reads = entry["stateMutability"] in ("view", "pure")
            found[signature] = (tuple(map(_type, entry["outputs"])), reads or entry["stateMutability"])
    return found


def _type(field: dict[str, Any]) -> str:
    if not field["type"].startswith("tuple"):
        return str(field["type"])
    return f"({','.join(map(_type, field['components']))}){field['type'][5:]}"
