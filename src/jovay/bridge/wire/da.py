"""DA data: a payload as it is published: plain, or, in older batches, as a zstd frame (RFC 8878)."""

from __future__ import annotations

from dataclasses import dataclass

import zstandard
from eth_utils.crypto import keccak

from jovay.bridge.errors import FieldRangeError, WireError
from jovay.bridge.wire.payload import end_of_chunks

#: DA versions: the payload alone; behind batch version and length; the same, compressed.
LEGACY, PLAIN, ZSTD = 0, 1, 2
#: Bytes before the payload in DA versions 1 and 2: batch version and length.
META = 4
_MAX_LENGTH = (1 << 24) - 1
#: Payloads above this are refused when they are decompressed (the original seals a batch at 1 GiB).
MAX_PAYLOAD = 1 << 28


@dataclass(frozen=True, slots=True)
class DaData:
    """``data`` is the payload in DA version 0, else batch version u8 ‖ length u24 ‖ payload or frame."""

    da_version: int
    data: bytes

    @classmethod
    def of(cls, version: int, payload: bytes) -> DaData:
        """A payload in a batch ``version``: raw, which is what provers take."""
        if version == 0:
            return cls(LEGACY, payload)
        if len(payload) > _MAX_LENGTH:
            raise FieldRangeError("bytes of DA data", len(payload), _MAX_LENGTH)
        return cls(PLAIN, bytes((version,)) + len(payload).to_bytes(3, "big") + payload)

    @classmethod
    def padded(cls, da_version: int, data: bytes) -> DaData:
        """DA data with the zeros that fill up the last blob; anything else behind it is refused."""
        if da_version not in (LEGACY, PLAIN, ZSTD):
            raise WireError("DA data", f"DA version {da_version}")
        if da_version == LEGACY:
            end = end_of_chunks(data)
        else:
            end = META + int.from_bytes(data[1:META], "big")
        if end > len(data) or any(memoryview(data)[end:]):
            raise WireError("DA data", f"{end} bytes and then zeros were expected in {len(data)}", end)
        return cls(da_version, data[:end])

    @property
    def batch_version(self) -> int:
        return self.data[0] if self.da_version else 0

    @property
    def digest(self) -> bytes:
        """``dataDigest`` of the statement; ``dataHash`` of a calldata batch."""
        return keccak(self.calldata)

    @property
    def calldata(self) -> bytes:
        """The form that ``commitBatchWithDaProof`` takes."""
        return bytes((self.da_version,)) + self.data

    @classmethod
    def from_calldata(cls, calldata: bytes) -> DaData:
        if not calldata:
            raise WireError("DA data", "no bytes")
        found = cls.padded(calldata[0], calldata[1:])
        if len(found.data) + 1 != len(calldata):
            raise WireError("DA data", "bytes follow its end", len(found.data) + 1)
        return found

    def payload(self) -> bytes:
        """The payload; a frame is decompressed, to ``MAX_PAYLOAD`` bytes at most."""
        if self.da_version == LEGACY:
            return self.data
        if len(self.data) < META or self.batch_version not in (1, 2):
            raise WireError("DA data", f"batch version {self.data[:1].hex()} in {len(self.data)} bytes")
        body = self.data[META:]
        if self.da_version == PLAIN:
            return body
        try:
            reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj(
                read_across_frames=False
            )
            payload = _bounded(reader, body)
        except zstandard.ZstdError as error:
            raise WireError("DA data", f"no zstd frame: {error}", META) from error
        if not reader.eof or reader.unused_data:
            raise WireError("DA data", "a zstd frame that does not end with the data", META)
        return payload


def _bounded(reader: zstandard.ZstdDecompressionObj, body: bytes) -> bytes:
    """All that ``body`` decompresses to, taken in pieces so that a bomb is noticed before it is large."""
    parts, size = [], 0
    for at in range(0, len(body), 1 << 10):
        part = reader.decompress(body[at : at + (1 << 10)])
        size += len(part)
        if size > MAX_PAYLOAD:
            raise WireError("DA data", f"decompresses to more than {MAX_PAYLOAD} bytes", at)
        parts.append(part)
        if reader.eof:
            if at + (1 << 10) < len(body):
                raise WireError("DA data", "bytes follow the zstd frame", at)
            break
    return b"".join(parts)
