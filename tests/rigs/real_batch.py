"""A batch of what users do, on a chain with the predeploys: transfers of ether and of a token that it creates, a
deposit, a withdrawal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from coincurve import PrivateKey
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from jovay.bridge.genesis import Oracle, Roles, settled_config, settled_genesis
from jovay.bridge.predeploys import L2_MAILBOX
from jovay.bridge.wire.batch_header import BatchHeader
from jovay.bridge.wire.da import DaData
from jovay.bridge.wire.l1_message import L1Message
from jovay.bridge.wire.payload import encode_chunks
from jovay.chain.genesis import GenesisAccount
from jovay.chain.settlement import Settlement
from jovay.native.library import Library
from jovay.prover.task import BatchTask
from jovay.state.genesis import genesis_state
from rigs.proven_batches import GENESIS, L1_CHAIN_ID, ROLLUP, published, take_chunk
from rigs.rollup_scene import creation_address
from rigs.settled_chain import START, SettledChain
from rigs.settled_node import CONTRACTS_ON_L1
from rigs.solidity import load

ETHER = 10**18
CONFIG = settled_config(20_257, 10**8, 10_000_000)
#: Wei per byte of a signed transaction, what the oracle begins with.
L1_FEE = Oracle().l1_fee_per_byte
_SEND = keccak(text="sendMsg(address,uint256,bytes,uint256,address)")[:4]
_TRANSFER = keccak(text="transfer(address,uint256)")[:4]


class RealChain(SettledChain):
    """``keys`` have a hundred ether each; contracts on L1 are nowhere."""

    def __init__(self, library: Library, senders: int = 4) -> None:
        settlement = Settlement(L1_CHAIN_ID, **CONTRACTS_ON_L1, deployed_at=0, config=CONFIG)
        plain = settled_genesis(settlement, Roles(), START)
        owners = [
            keccak(PrivateKey.from_int(n + 1).public_key.format(False)[1:])[12:] for n in range(senders)
        ]
        alloc = plain.alloc | {owner: GenesisAccount(100 * ETHER) for owner in owners}
        super().__init__(
            library, senders, CONFIG, genesis_state(library, replace(plain, alloc=alloc)), L1_FEE
        )
        self.owners = owners

    def block(
        self, transactions: Sequence[bytes] = (), messages: int | Sequence[bytes] = 0, later: int = 10
    ) -> None:
        super().block(transactions, messages, later)
        assert self.receipts["status"].all()

    def deposit(self, value: int, to: bytes) -> bytes:
        """The next L1 message: ether for an account."""
        return L1Message(b"\x77" * 20, to, value, self.messages, b"", 200_000, to).transaction()

    def withdrawal(self, sender: int, value: int) -> bytes:
        """Ether to the sender's address on L1."""
        me = self.owners[sender]
        types = ("address", "uint256", "bytes", "uint256", "address")
        data = _SEND + encode(types, (me, value, b"", 0, me))
        return self.transaction(sender, int.from_bytes(L2_MAILBOX, "big"), value, data, 300_000)


def real_chain(library: Library, extra: int = 0) -> RealChain:
    """Three blocks: a deposit, the creation of a token, a transfer; transfers of both kinds, ``extra`` more of each; a
    withdrawal.
    """
    chain = RealChain(library)
    code = bytes.fromhex(load("Token").bytecode[2:])
    code += encode(("string", "string", "uint256"), ("Token", "TOK", 10**24))
    address = creation_address(chain.owners[0], 0)

    def transfer(sender: int, to: int) -> bytes:
        data = _TRANSFER + encode(("address", "uint256"), (chain.owners[to], 5 * ETHER))
        return chain.transaction(sender, int.from_bytes(address, "big"), data=data, gas=100_000)

    receiver = int.from_bytes(chain.owners[3], "big")
    created = chain.transaction(0, None, data=code, gas=2_000_000)
    chain.block(
        [created, chain.transaction(1, receiver, ETHER, gas=21_000)], [chain.deposit(ETHER, b"\x99" * 20)]
    )
    carried = [transfer(0, 1), transfer(0, 2)]
    for n in range(extra):
        carried += [transfer(0, n % 4), chain.transaction(2, 0xDEAD + n, ETHER // 1000, gas=21_000)]
    chain.block([*carried, chain.transaction(2, receiver, ETHER, gas=21_000)])
    chain.block([chain.withdrawal(1, 3 * ETHER)], later=1_500)
    return chain


def real_batch(library: Library, in_blobs: bool = True, extra: int = 0) -> BatchTask:
    """These blocks as the first batch, in one chunk."""
    chain = real_chain(library, extra)
    chunk, witness = take_chunk(chain)
    chain.close()
    da = DaData.of(2, encode_chunks([chunk], 2))
    hashes, data_hash = published(da, in_blobs)
    header = BatchHeader(2, 1, chain.rolling, data_hash, GENESIS.hash)
    return BatchTask(L1_CHAIN_ID, ROLLUP, CONFIG, GENESIS, header, da, hashes, [witness])
