"""From what a client calls a block to a block number."""

from __future__ import annotations

from jovay.chain.types import Fork, Header
from jovay.rpc.args import BlockRef
from jovay.rpc.backend.chain import BlockTag, Chain
from jovay.rpc.errors import RpcError


def find_block(chain: Chain, ref: BlockRef) -> int | None:
    """Number of the block, or None if there is none such."""
    head = chain.head()
    if ref.number is not None:
        return ref.number if ref.number <= head else None
    if ref.hash is not None:
        return chain.number_of(ref.hash)
    if ref.tag is BlockTag.LATEST or ref.tag is BlockTag.PENDING:
        return head
    assert ref.tag is not None
    number = chain.resolve(ref.tag)
    if number is None:
        raise RpcError(f"{ref.tag.value} block not found")
    return number


def state_block(chain: Chain, ref: BlockRef) -> int:
    """Number of the block whose state is meant; raises geth's error when there is none."""
    number = find_block(chain, ref)
    if number is None:
        raise RpcError("header not found" if ref.hash is None else "header for hash not found")
    return number


def known_header(chain: Chain, number: int) -> Header:
    """Header of a block that must exist."""
    header = chain.header(number)
    if header is None:
        raise RpcError("header not found")
    return header


def active_fork(chain: Chain, timestamp: int) -> Fork:
    """The fork that rules blocks with that time stamp."""
    forks = chain.config.forks
    active = forks[0]
    for fork in forks:
        if fork.activation_time <= timestamp:
            active = fork
    return active
