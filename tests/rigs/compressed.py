"""DA data as older batches have them: compressed."""

from __future__ import annotations

import zstandard

from jovay.bridge.wire.da import ZSTD, DaData


def compressed(payload: bytes, version: int = 2, level: int = 3) -> DaData:
    """A payload as a zstd frame."""
    frame = zstandard.ZstdCompressor(level=level).compress(payload)
    return DaData(ZSTD, bytes((version,)) + len(frame).to_bytes(3, "big") + frame)
