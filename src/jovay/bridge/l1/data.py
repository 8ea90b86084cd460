"""The data of batches, from whoever has them: nobody is believed, all that counts are the versioned hashes on L1."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Sequence
from typing import Protocol

import urllib3

from jovay.bridge.errors import BridgeError, WireError
from jovay.bridge.wire import blobs
from jovay.bridge.wire.chunk import Chunk
from jovay.bridge.wire.da import DaData

from .batches import CommittedBatch
from .following_errors import DataUnavailableError, UnreadableBatchError
from .transport import shown_url

log = logging.getLogger("jovay.l1")
_TIMEOUT = 30.0
#: Bytes of an answer, which takes two characters for each of a blob: that of a whole L1 block's blobs has some million.
MOST_ANSWER = 16 << 20
_PIECE = 1 << 16
_NOT_FOUND = 404


class SourceError(BridgeError):
    """A source has not given what it was asked for."""


class BlobSource(Protocol):
    """Who gives the blobs of a batch; ``name`` is for people."""

    @property
    def name(self) -> str: ...
    def blobs(self, batch: CommittedBatch) -> list[bytes]:
        """Raises ``SourceError``. Nothing that it gives is checked."""


def fetch(batch: CommittedBatch, sources: Sequence[BlobSource]) -> DaData:
    """The DA data of a batch, from the first source that has them.

    Raises ``DataUnavailableError`` where none has, ``WireError`` where what was published is no DA data.
    """
    if not batch.versioned_hashes:
        return DaData.from_calldata(batch.calldata)
    reasons = []
    for source in sources:
        try:
            found = source.blobs(batch)
        except (SourceError, WireError) as error:
            reasons.append(f"{source.name}: {error}")
            continue
        if is_published(found, batch.versioned_hashes):
            return blobs.from_blobs(found)
        reasons.append(f"{source.name}: other data than those on L1")
        log.warning("a source gives wrong data", extra={"source": source.name, "batch": batch.index})
    raise DataUnavailableError(batch.index, reasons)


def published(batch: CommittedBatch, sources: Sequence[BlobSource]) -> list[Chunk]:
    """The chunks of a batch. Raises ``DataUnavailableError``, ``UnreadableBatchError``."""
    try:
        return batch.chunks(fetch(batch, sources))
    except WireError as error:
        raise UnreadableBatchError(batch.index, str(error)) from error


def is_published(found: Sequence[bytes], versioned_hashes: Sequence[bytes]) -> bool:
    """Whether blobs have these versioned hashes."""
    if len(found) != len(versioned_hashes) or any(len(blob) != blobs.SIZE for blob in found):
        return False
    try:
        hashes = [blobs.versioned_hash(blobs.commitment_of(blob)) for blob in found]
    except (RuntimeError, ValueError):  # a word that is no field element
        return False
    return hashes == list(versioned_hashes)


class Http:
    """GET requests to one server."""

    def __init__(self, url: str) -> None:
        self.name, self._url = shown_url(url), url.rstrip("/")
        self._pool = urllib3.PoolManager(retries=False, timeout=_TIMEOUT)

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body. Raises ``SourceError`` when there is no answer, or one that is too long or does not end."""
        deadline = time.monotonic() + _TIMEOUT
        try:
            response = self._pool.request("GET", self._url + path, preload_content=False)
            try:
                return response.status, _read(response, deadline)
            finally:
                response.close()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise SourceError(f"no answer to {path}: {error}") from error

    def json(self, path: str) -> dict[str, object]:
        """The JSON object at ``path``."""
        status, body = self.get(path)
        if status != 200:
            raise SourceError(f"{path} has status {status}")
        return object_in(body)


def _read(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    content = bytearray()
    while piece := response.read1(_PIECE):
        content += piece
        if len(content) > MOST_ANSWER:
            raise SourceError(f"an answer of more than {MOST_ANSWER} bytes")
        if time.monotonic() > deadline:
            raise SourceError("an answer that does not end")
    return bytes(content)


def object_in(body: bytes) -> dict[str, object]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceError("no JSON") from error
    if not isinstance(found, dict):
        raise SourceError("no JSON object")
    return found


def octets(value: object) -> bytes:
    """0x-hex of any length."""
    try:
        if isinstance(value, str) and value.startswith("0x"):
            return bytes.fromhex(value[2:])
    except ValueError:
        pass
    raise SourceError("no hex where there should be some")


class BeaconNode:
    """L1's consensus layer: ``/eth/v1/beacon/blobs/{slot}``, for as long as it keeps blobs."""

    def __init__(self, url: str) -> None:
        self._http = Http(url)
        self.name = self._http.name
        self._clock: tuple[int, int] | None = None

    def blobs(self, batch: CommittedBatch) -> list[bytes]:
        names = ",".join("0x" + one.hex() for one in batch.versioned_hashes)
        answer = self._http.json(f"/eth/v1/beacon/blobs/{self._slot(batch)}?versioned_hashes={names}")
        data = answer.get("data")
        if not isinstance(data, list):
            raise SourceError("no list of blobs")
        return [octets(blob) for blob in data]

    def _slot(self, batch: CommittedBatch) -> int:
        """The slot of the batch's L1 block; anvil, which has no consensus layer, counts blocks instead."""
        if self._clock is None:
            status, body = self._http.get("/eth/v1/config/spec")
            if status == _NOT_FOUND:
                self._clock = 0, 0
            else:
                spec, genesis = _data(object_in(body)), _data(self._http.json("/eth/v1/beacon/genesis"))
                self._clock = _number(genesis, "genesis_time"), _number(spec, "SECONDS_PER_SLOT")
        begin, seconds = self._clock
        return (batch.time - begin) // seconds if seconds else batch.block


def _data(answer: dict[str, object]) -> dict[str, object]:
    data = answer.get("data")
    if not isinstance(data, dict):
        raise SourceError("no data")
    return data


def _number(fields: dict[str, object], name: str) -> int:
    try:
        return int(str(fields[name]))
    except (KeyError, ValueError) as error:
        raise SourceError(f"no {name}") from error


class BlobArchive:
    """An archive that keeps blobs by versioned hash, with Blobscan's interface: ``/blobs/{hash}/data`` is the blob as
    JSON text of hex, or as octets.
    """

    def __init__(self, url: str) -> None:
        self._http = Http(url)
        self.name = self._http.name

    def blobs(self, batch: CommittedBatch) -> list[bytes]:
        return [self._blob(one) for one in batch.versioned_hashes]

    def _blob(self, versioned_hash: bytes) -> bytes:
        status, body = self._http.get(f"/blobs/0x{versioned_hash.hex()}/data")
        if status != 200:
            raise SourceError(f"blob 0x{versioned_hash.hex()} has status {status}")
        if len(body) == blobs.SIZE:
            return body
        return octets(body.decode("ascii", "replace").strip().strip('"'))


class RawDataSource:
    """A relayer's or another node's raw data: ``/batch/{number}`` has DA version and DA data, as octets."""

    def __init__(self, url: str) -> None:
        self._http = Http(url)
        self.name = self._http.name

    def blobs(self, batch: CommittedBatch) -> list[bytes]:
        status, body = self._http.get(f"/batch/{batch.index}")
        if status != 200:
            raise SourceError(f"batch {batch.index} has status {status}")
        return blobs.to_blobs(DaData.from_calldata(body))
