"""0x40–0x4a: the block's environment."""

from ...lang import U64, U256, Ptr, kernel, load256, load256be, store256
from ...machine.environment import PARENT, POSITION, PRICE
from ...machine.frame import Frame
from ...machine.machine import Machine
from ...machine.status import NEXT
from ...protocol import forks
from ...protocol import gas as price
from ..opcodes import Control, instruction, source

HASHES_SERVED = 256


@instruction(0x40, "BLOCKHASH", price.BLOCKHASH, pops=1, pushes=1)
def blockhash(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    """hash of one of the 256 blocks before this one, else 0"""
    m.context |= PARENT
    wanted, number = load256(sp - 32), m.block.number
    result = U256(0)
    if wanted < U256(number):
        distance = number - U64(wanted)
        if distance <= m.block.hashes_known and distance <= HASHES_SERVED:
            result = load256be(m.block.hashes + (U64(wanted) & 255) * 32)
    store256(sp - 32, result)
    return U64(NEXT), pc + 1, sp, gas


@kernel
def coinbase(m: Machine, f: Frame) -> U256:
    """the fee recipient"""
    return m.block.coinbase


@kernel
def timestamp(m: Machine, f: Frame) -> U256:
    """seconds since 1970"""
    m.context |= POSITION
    return U256(m.block.timestamp)


@kernel
def number(m: Machine, f: Frame) -> U256:
    """this block's number"""
    m.context |= POSITION
    return U256(m.block.number)


@kernel
def prevrandao(m: Machine, f: Frame) -> U256:
    """the beacon chain's randomness (EIP-4399); before Paris the difficulty"""
    m.context |= PARENT
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
    m.context |= PRICE
    return m.block.base_fee


@kernel
def blobbasefee(m: Machine, f: Frame) -> U256:
    """EIP-7516"""
    m.context |= PRICE
    return m.block.blob_base_fee


source(0x41, "COINBASE", price.BASE, coinbase)
source(0x42, "TIMESTAMP", price.BASE, timestamp)
source(0x43, "NUMBER", price.BASE, number)
source(0x44, "PREVRANDAO", price.BASE, prevrandao)
source(0x45, "GASLIMIT", price.BASE, gaslimit)
source(0x46, "CHAINID", price.BASE, chainid, forks.ISTANBUL)
source(0x47, "SELFBALANCE", price.LOW, selfbalance, forks.ISTANBUL)
source(0x48, "BASEFEE", price.BASE, basefee, forks.LONDON)
source(0x4A, "BLOBBASEFEE", price.BASE, blobbasefee, forks.CANCUN)


@instruction(0x49, "BLOBHASH", price.BLOBHASH, pops=1, pushes=1, since=forks.CANCUN)
def blobhash(m: Machine, f: Frame, pc: U64, sp: Ptr, gas: U64) -> Control:
    """versioned hash of one of the transaction's blobs, else 0 (EIP-4844)"""
    index = load256(sp - 32)
    inside = index < U256(m.blob_count)
    store256(sp - 32, load256be(m.blob_hashes + U64(index) * 32) if inside else U256(0))
    return U64(NEXT), pc + 1, sp, gas
