"""Headers by the kernel against those that Python makes, and EIP-1559's base fee."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jovay.chain.environment import BlockEnvironment
from jovay.chain.header import encode_header, header_of
from jovay.chain.rules import base_fee_after
from jovay.kernel.block import header
from jovay.kernel.block.header import HEADER_CAPACITY, Parent
from jovay.kernel.block.receipts import BlockReceipts
from jovay.kernel.lang import U64, U256
from jovay.kernel.machine.environment import Block
from jovay.kernel.protocol.forks import CANCUN, OSAKA, PRAGUE
from jovay.kernel.rlp import CURSOR_SIZE, Cursor
from jovay.native.records import pack
from rigs.buffers import Buffer

u64, digests = st.integers(0, 2**64 - 1), st.binary(min_size=32, max_size=32)


@settings(deadline=None, max_examples=50)
@given(u64, u64, u64, u64, u64, st.integers(0, 2**160 - 1), st.lists(digests, min_size=5, max_size=5),
       st.sampled_from((CANCUN, PRAGUE, OSAKA)), st.binary(min_size=256, max_size=256))  # fmt: skip
def test_against_python(number: int, time: int, limit: int, used: int, fee: int, coinbase: int,
                        roots: list[bytes], fork: int, bloom: bytes) -> None:  # fmt: skip
    parent, state_root, transactions_root, receipts_root, random = roots
    env = BlockEnvironment(
        number, time, limit, fee, coinbase, 1, fork, parent, prevrandao=int.from_bytes(random, "big")
    )
    made = header_of(
        env, state_root=state_root, transactions_root=transactions_root, receipts_root=receipts_root,
        logs_bloom=bloom, gas_used=used,
    )  # fmt: skip
    values = {"receipts_root": receipts_root, "transactions_root": transactions_root, "bloom": bloom}
    receipts = Buffer(pack(BlockReceipts, values | {"gas_used": used}))
    block, out, root = Buffer(bytes(env.record())), Buffer(HEADER_CAPACITY), Buffer(state_root)
    end = header.write_header(
        out.address, Block(block.address), U256(int.from_bytes(parent, "big")), root.address,
        BlockReceipts(receipts.address),
    )  # fmt: skip
    encoded = out.read(0, int(end) - out.address)
    assert encoded == encode_header(made)
    assert out.intact
    read = Buffer(Parent.size)
    source, cursor = Buffer(encoded), Buffer(CURSOR_SIZE)
    fields = Parent(read.address)
    status = header.read_header(source.address, U64(len(encoded)), Cursor(cursor.address), fields)
    assert int(status) == 0
    assert (int(fields.number), int(fields.timestamp), int(fields.gas_used)) == (number, time, used)
    assert (int(fields.gas_limit), int(fields.base_fee)) == (limit, fee)
    assert source.read(int(fields.state_root) - source.address, 32) == state_root
    assert int(header.base_fee_after(fields)) == base_fee_after(made)


@pytest.mark.parametrize("size", [0, 1, 33, 500])
def test_what_is_no_header(size: int) -> None:
    source, cursor, read = Buffer(b"\xf9\x02\x00" + bytes(size)), Buffer(CURSOR_SIZE), Buffer(Parent.size)
    status = header.read_header(source.address, U64(size + 3), Cursor(cursor.address), Parent(read.address))
    assert int(status) != 0
