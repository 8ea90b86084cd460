"""The query service of the original's relayer: POST with JSON, answers in its envelope."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeGuard

from jovay.bridge.errors import BridgeError
from jovay.bridge.relayer.blocks import Node
from jovay.bridge.relayer.store import Batch, BatchStore

#: Batches that one request asks for.
MOST_BATCHES = 1_000
PREFIX = "/api/relayer/query/"


class RefusedQueryError(Exception):
    """The text is for who asked."""


class Queries:
    """``batchmetarange`` ``{batchIndexList}``: what is known of batches; ``l2-msg-proof`` ``{nonce}``: the proof of a
    message to L1, which the node makes.
    """

    def __init__(self, store: BatchStore, node: Node) -> None:
        self._store, self._node = store, node
        self._verbs: dict[str, Callable[[dict[str, Any]], Any]] = {
            "batchmetarange": self._batches,
            "l2-msg-proof": self._proof,
        }

    def answer(self, path: str, body: bytes) -> dict[str, Any] | None:
        """None for a path that is not one of them."""
        verb = self._verbs.get(path.rstrip("/").removeprefix(PREFIX))
        if verb is None or not path.startswith(PREFIX):
            return None
        try:
            asked = json.loads(body)
            if not isinstance(asked, dict):
                raise RefusedQueryError("a JSON object is wanted")
            return _envelope(data=verb(asked))
        except (RefusedQueryError, ValueError, BridgeError) as error:
            return _envelope(error=str(error))

    def _batches(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        wanted = asked.get("batchIndexList")
        if not isinstance(wanted, list) or not all(map(_is_number, wanted)):
            raise RefusedQueryError("batchIndexList must be a list of numbers")
        found = (self._store.batch(index) for index in wanted[:MOST_BATCHES])
        return [_meta(batch) for batch in found if batch is not None]

    def _proof(self, asked: dict[str, Any]) -> dict[str, Any]:
        nonce = asked.get("nonce")
        if not _is_number(nonce):
            raise RefusedQueryError("nonce must be a number")
        found = self._node.call("jovay_getWithdrawalProof", hex(nonce))
        if found is None:
            raise RefusedQueryError(f"there is no message {nonce}")
        if found["batch"] is None:
            raise RefusedQueryError(f"message {nonce} is in no batch on L1 yet")
        siblings = "".join(node.removeprefix("0x") for node in found["proof"])
        index = int(found["batch"]["index"], 16)
        return {"batchIndex": index, "nonce": nonce, "msgHash": found["hash"], "merkleProof": f"0x{siblings}"}


def _is_number(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value < 1 << 63


def _envelope(data: Any = None, error: str = "") -> dict[str, Any]:
    return {"success": not error, "errorCode": "400" if error else "0", "errorMsg": error, "data": data}


def _meta(batch: Batch) -> dict[str, Any]:
    raw = batch.raw
    return {
        "batchIndex": batch.index,
        "batchHash": f"0x{batch.hash.hex()}",
        "batchHeader": f"0x{raw.header.encode().hex()}",
        "startBlock": batch.first_block,
        "endBlock": batch.last_block,
        "chunks": [list(chunk) for chunk in batch.chunks],
        "totalL1MsgPopped": batch.next_message,
        "versionedHashes": [f"0x{one.hex()}" for one in raw.versioned_hashes],
        "commitTxHash": f"0x{raw.l1_transaction.hex()}",
    }
