"""What goes over the pipes between an enclave and the worker that started it.

A frame is u32 length ‖ kind ‖ body. The worker asks, the enclave answers each question with one frame:

| kind | asks | body | answer |
|---|---|---|---|
| HELLO | who are you | – | JSON: platform, measurement, enclave (address) |
| QUOTE | bind the key to verifier and moment | ``QuoteRequest`` | the quote |
| PROVE | state a batch and sign | verifier ‖ encoded BatchTask | signature (r, s, v) ‖ the statement as JSON |

``REFUSED`` answers with ``Refusal`` as JSON in place of that; the enclave goes on.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from struct import Struct
from typing import BinaryIO, Final

from jovay.prover.tee.errors import EnclaveError

HELLO: Final = 1
QUOTE: Final = 2
PROVE: Final = 3
DONE: Final = 16
REFUSED: Final = 17
ADDRESS_SIZE: Final = 20
SIGNATURE_SIZE: Final = 65
#: Bytes of a frame's body.
MOST: Final = 1 << 30
_HEAD = Struct(">IB")
_QUOTE_REQUEST = Struct(">Q20sQ32s")


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """To whom the key is bound (chain and contract), and to which L1 block."""

    l1_chain_id: int
    verifier: bytes
    l1_block: int
    l1_block_hash: bytes

    def encode(self) -> bytes:
        return _QUOTE_REQUEST.pack(self.l1_chain_id, self.verifier, self.l1_block, self.l1_block_hash)

    @classmethod
    def decode(cls, data: bytes) -> QuoteRequest:
        """Raises EnclaveError for another size."""
        if len(data) != _QUOTE_REQUEST.size:
            raise EnclaveError(f"a quote request of {len(data)} bytes, not {_QUOTE_REQUEST.size}")
        return cls(*_QUOTE_REQUEST.unpack(data))


@dataclass(frozen=True, slots=True)
class Refusal:
    """``type`` is the name of the error. ``final``: the same question has the same answer, whoever is asked."""

    type: str
    message: str
    final: bool

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, data: bytes) -> Refusal:
        return cls(**json.loads(data))


def write_frame(stream: BinaryIO, kind: int, *parts: bytes) -> None:
    """One frame, its body in parts that need not be joined."""
    size = sum(map(len, parts))
    if size > MOST:
        raise EnclaveError(f"a frame of {size} bytes; there is room for {MOST}")
    stream.write(_HEAD.pack(size, kind))
    for part in parts:
        stream.write(part)
    stream.flush()


def read_frame(stream: BinaryIO) -> tuple[int, bytes] | None:
    """Kind and body of the next frame; None at the end. Raises EnclaveError where it is cut or too long."""
    head = stream.read(_HEAD.size)
    if not head:
        return None
    if len(head) < _HEAD.size:
        raise EnclaveError("the other side ended within a frame")
    size, kind = _HEAD.unpack(head)
    if size > MOST:
        raise EnclaveError(f"a frame of {size} bytes; there is room for {MOST}")
    body = stream.read(size)
    if len(body) < size:
        raise EnclaveError("the other side ended within a frame")
    return kind, body
