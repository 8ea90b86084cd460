"""0x40–0x4a: the block's environment."""

from ...lang import U64, U256, Ptr, kernel, load256, load256be, store256
from ...machine.environment import PARENT, POSITION, PRICE
from ...machine.frame import Frame
from ...machine.machine import Machine
from ...machine.status import MISS, NEXT
from ...protocol import forks
from ...protocol import opcodes as op
from ...protocol.limits import BLOCK_HASHES
from ..templates import Control, instruction, source


@instruction(op.BLOCKHASH)
def blockhash(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    # No block has the hash 0: there, a stateless execution was not given the hash.
    m.tx.observed |= PARENT
    wanted, number = load256(sp - 32), m.block.number
    result = U256(0)
    if wanted < U256(number):
        distance = number - U64(wanted)
        if distance <= BLOCK_HASHES and distance > m.tx.ancestors:
            m.tx.ancestors = distance
        if distance <= m.block.hashes_known and distance <= BLOCK_HASHES:
            result = load256be(m.block.hashes + (U64(wanted) % BLOCK_HASHES) * 32)
            if result == 0:
                return U64(MISS), pc, sp, gas
    store256(sp - 32, result)
    return U64(NEXT), pc + 1, sp, gas


@kernel
def coinbase(m: Machine, f: Frame) -> U256:
    """the fee recipient"""
    return m.block.coinbase


@kernel
def timestamp(m: Machine, f: Frame) -> U256:
    """seconds since 1970"""
    m.tx.observed |= POSITION
    return U256(m.block.timestamp)


@kernel
def number(m: Machine, f: Frame) -> U256:
    """this block's number"""
    m.tx.observed |= POSITION
    return U256(m.block.number)


@kernel
def prevrandao(m: Machine, f: Frame) -> U256:
    """the beacon chain's randomness (EIP-4399); before Paris the difficulty"""
    m.tx.observed |= PARENT
    return m.block.prevrandao if m.block.fork >= forks.PARIS else m.block.difficulty


@kernel
def gaslimit(m: Machine, f: Frame) -> U256:
    """this block's gas limit"""
    return U256(m.block.gas_limit)


@kernel
def chainid(m: Machine, f: Frame) -> U256:
    """EIP-1344"""
    return U256(m.block.chain_id)


@kernel
def selfbalance(m: Machine, f: Frame) -> U256:
    """EIP-1884"""
    return f.account.balance


@kernel
def basefee(m: Machine, f: Frame) -> U256:
    """EIP-3198"""
    m.tx.observed |= PRICE
    return m.block.base_fee


@kernel
def blobbasefee(m: Machine, f: Frame) -> U256:
    """EIP-7516"""
    m.tx.observed |= PRICE
    return m.block.blob_base_fee


source(op.COINBASE, coinbase)
source(op.TIMESTAMP, timestamp)
source(op.NUMBER, number)
source(op.PREVRANDAO, prevrandao)
source(op.GASLIMIT, gaslimit)
source(op.CHAINID, chainid)
source(op.SELFBALANCE, selfbalance)
source(op.BASEFEE, basefee)
source(op.BLOBBASEFEE, blobbasefee)


@instruction(op.BLOBHASH)
def blobhash(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    index = load256(sp - 32)
    inside = index < U256(m.tx.blob_count)
    store256(sp - 32, load256be(m.tx.blob_hashes + U64(index) * 32) if inside else U256(0))
    return U64(NEXT), pc + 1, sp, gas
