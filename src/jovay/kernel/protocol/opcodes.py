"""The opcode table: what the protocol fixes of every instruction, as data.

Interpreter, tracers, documents and compilers read it; what an instruction does is in ``evm.instructions``. Each line
names an instruction's number and enters its row in ``OPCODES``. Operands count from the top of the stack, 0 first.
"""

from typing import NamedTuple

from ..lang import Table
from . import gas
from .forks import (
    BYZANTIUM,
    CANCUN,
    CONSTANTINOPLE,
    FRONTIER,
    HOMESTEAD,
    ISTANBUL,
    LONDON,
    OSAKA,
    SHANGHAI,
)

#: Whether a frame that may not change anything may execute an instruction (EIP-214).
ALLOWED, WITHOUT_VALUE, FORBIDDEN = 0, 1, 2


class Range(NamedTuple):
    """A range of memory: the operand that is its offset, and the one that is its size, or its size in bytes."""

    offset: int
    size: int | None = None
    fixed: int = 0


class Opcode(NamedTuple):
    """One row of the table.

    ``gas`` is what every execution costs, at any fork or by fork; what depends on operands, memory and cold keys comes
    on top. ``immediate`` bytes of code follow the opcode. ``account``, ``slot`` and ``transient`` are the operands that
    name an account, a key of the running account's storage, or one of its transient storage.
    """

    code: int
    name: str
    gas: int | Table
    pops: int
    pushes: int
    text: str
    since: int
    immediate: int
    ends: bool
    jumps: bool
    static: int
    account: int | None
    slot: int | None
    transient: int | None
    reads: Range | None
    writes: Range | None

    def base(self, fork: int) -> int:
        """What every execution costs at ``fork``."""
        return int(self.gas[fork]) if isinstance(self.gas, Table) else self.gas

    @property
    def upfront(self) -> int:
        """What is paid before anything else: 0 where the price depends on the fork, which the instruction looks up."""
        return 0 if isinstance(self.gas, Table) else self.gas


OPCODES: dict[int, Opcode] = {}


def _enter(
    code,
    name,
    price,
    pops,
    pushes,
    text,
    since=FRONTIER,
    *,
    immediate=0,
    ends=False,
    jumps=False,
    static=ALLOWED,
    account=None,
    slot=None,
    transient=None,
    reads=None,
    writes=None,
) -> int:
    if code in OPCODES:
        raise ValueError(f"opcode {code:#x} ({name}) is taken by {OPCODES[code].name}")
    facts = immediate, ends, jumps, static, account, slot, transient, reads, writes
    OPCODES[code] = Opcode(code, name, price, pops, pushes, text, since, *facts)
    return code


def mnemonic(code: int) -> str:
    """An opcode's name; geth's words for what is none."""
    return OPCODES[code].name if code in OPCODES else f"opcode {code:#x} not defined"


# fmt: off
STOP = _enter(0x00, "STOP", gas.ZERO, 0, 0, "end the frame", ends=True)
ADD = _enter(0x01, "ADD", gas.VERY_LOW, 2, 1, "a + b")
MUL = _enter(0x02, "MUL", gas.LOW, 2, 1, "a · b")
SUB = _enter(0x03, "SUB", gas.VERY_LOW, 2, 1, "a − b")
DIV = _enter(0x04, "DIV", gas.LOW, 2, 1, "a / b, rounded down; 0 if b is 0")
SDIV = _enter(0x05, "SDIV", gas.LOW, 2, 1, "a / b, signed, rounded towards 0; −2²⁵⁵ / −1 wraps to −2²⁵⁵")
MOD = _enter(0x06, "MOD", gas.LOW, 2, 1, "a modulo b; 0 if b is 0")
SMOD = _enter(0x07, "SMOD", gas.LOW, 2, 1, "a modulo b, signed; the result has the sign of a")
ADDMOD = _enter(0x08, "ADDMOD", gas.MID, 3, 1, "(a + b) modulo c; the sum does not wrap")
MULMOD = _enter(0x09, "MULMOD", gas.MID, 3, 1, "(a · b) modulo c; the product does not wrap")
EXP = _enter(0x0A, "EXP", gas.EXPONENTIATION, 2, 1, "aᵇ, paid per byte of b")
SIGNEXTEND = _enter(0x0B, "SIGNEXTEND", gas.LOW, 2, 1, "b as a two's-complement number of a + 1 bytes, extended")

LT = _enter(0x10, "LT", gas.VERY_LOW, 2, 1, "a < b")
GT = _enter(0x11, "GT", gas.VERY_LOW, 2, 1, "a > b")
SLT = _enter(0x12, "SLT", gas.VERY_LOW, 2, 1, "a < b, signed")
SGT = _enter(0x13, "SGT", gas.VERY_LOW, 2, 1, "a > b, signed")
EQ = _enter(0x14, "EQ", gas.VERY_LOW, 2, 1, "a = b")
ISZERO = _enter(0x15, "ISZERO", gas.VERY_LOW, 1, 1, "a = 0")
AND = _enter(0x16, "AND", gas.VERY_LOW, 2, 1, "a ∧ b")
OR = _enter(0x17, "OR", gas.VERY_LOW, 2, 1, "a ∨ b")
XOR = _enter(0x18, "XOR", gas.VERY_LOW, 2, 1, "a ⊕ b")
NOT = _enter(0x19, "NOT", gas.VERY_LOW, 1, 1, "¬a")
BYTE = _enter(0x1A, "BYTE", gas.VERY_LOW, 2, 1, "byte a of b, 0 the highest; 0 from 32 on")
SHL = _enter(0x1B, "SHL", gas.VERY_LOW, 2, 1, "b shifted left by a bits (EIP-145)", CONSTANTINOPLE)
SHR = _enter(0x1C, "SHR", gas.VERY_LOW, 2, 1, "b shifted right by a bits (EIP-145)", CONSTANTINOPLE)
SAR = _enter(0x1D, "SAR", gas.VERY_LOW, 2, 1, "b shifted right by a bits, its sign kept (EIP-145)", CONSTANTINOPLE)
CLZ = _enter(0x1E, "CLZ", gas.FAST_STEP, 1, 1, "leading zero bits of a (EIP-7939)", OSAKA)

KECCAK256 = _enter(0x20, "KECCAK256", gas.KECCAK256, 2, 1, "Keccak-256 of a memory range", reads=Range(0, 1))

ADDRESS = _enter(0x30, "ADDRESS", gas.BASE, 0, 1, "the account in execution")
BALANCE = _enter(0x31, "BALANCE", gas.BALANCE, 1, 1, "an account's balance", account=0)
ORIGIN = _enter(0x32, "ORIGIN", gas.BASE, 0, 1, "the transaction's sender")
CALLER = _enter(0x33, "CALLER", gas.BASE, 0, 1, "the caller")
CALLVALUE = _enter(0x34, "CALLVALUE", gas.BASE, 0, 1, "wei sent with the call")
CALLDATALOAD = _enter(0x35, "CALLDATALOAD", gas.VERY_LOW, 1, 1, "word of input, padded with zeros")
CALLDATASIZE = _enter(0x36, "CALLDATASIZE", gas.BASE, 0, 1, "bytes of input")
CALLDATACOPY = _enter(0x37, "CALLDATACOPY", gas.VERY_LOW, 3, 0, "copy input to memory", writes=Range(0, 2))
CODESIZE = _enter(0x38, "CODESIZE", gas.BASE, 0, 1, "bytes of the running code")
CODECOPY = _enter(0x39, "CODECOPY", gas.VERY_LOW, 3, 0, "copy the running code to memory", writes=Range(0, 2))
GASPRICE = _enter(0x3A, "GASPRICE", gas.BASE, 0, 1, "the effective gas price")
EXTCODESIZE = _enter(0x3B, "EXTCODESIZE", gas.EXTERNAL, 1, 1, "bytes of an account's code", account=0)
EXTCODECOPY = _enter(0x3C, "EXTCODECOPY", gas.EXTERNAL, 4, 0, "copy an account's code to memory",
                     account=0, writes=Range(1, 3))
RETURNDATASIZE = _enter(0x3D, "RETURNDATASIZE", gas.BASE, 0, 1, "bytes the last call returned (EIP-211)", BYZANTIUM)
RETURNDATACOPY = _enter(0x3E, "RETURNDATACOPY", gas.VERY_LOW, 3, 0,
                        "copy what the last call returned; reading past its end is an exception (EIP-211)",
                        BYZANTIUM, writes=Range(0, 2))
EXTCODEHASH = _enter(0x3F, "EXTCODEHASH", gas.CODE_HASH, 1, 1,
                     "hash of an account's code, 0 for an empty account (EIP-1052)", CONSTANTINOPLE, account=0)

BLOCKHASH = _enter(0x40, "BLOCKHASH", gas.BLOCK_HASH, 1, 1, "hash of one of the 256 blocks before this one, else 0")
COINBASE = _enter(0x41, "COINBASE", gas.BASE, 0, 1, "the fee recipient")
TIMESTAMP = _enter(0x42, "TIMESTAMP", gas.BASE, 0, 1, "seconds since 1970")
NUMBER = _enter(0x43, "NUMBER", gas.BASE, 0, 1, "this block's number")
PREVRANDAO = _enter(0x44, "PREVRANDAO", gas.BASE, 0, 1,
                    "the beacon chain's randomness (EIP-4399); before Paris the difficulty")
GASLIMIT = _enter(0x45, "GASLIMIT", gas.BASE, 0, 1, "this block's gas limit")
CHAINID = _enter(0x46, "CHAINID", gas.BASE, 0, 1, "this chain's id (EIP-1344)", ISTANBUL)
SELFBALANCE = _enter(0x47, "SELFBALANCE", gas.FAST_STEP, 0, 1,
                     "the balance of the account in execution (EIP-1884)", ISTANBUL)
BASEFEE = _enter(0x48, "BASEFEE", gas.BASE, 0, 1, "this block's base fee (EIP-3198)", LONDON)
BLOBHASH = _enter(0x49, "BLOBHASH", gas.BLOBHASH_OPCODE, 1, 1,
                  "versioned hash of one of the transaction's blobs, else 0 (EIP-4844)", CANCUN)
BLOBBASEFEE = _enter(0x4A, "BLOBBASEFEE", gas.BASE, 0, 1, "this block's base fee of blobs (EIP-7516)", CANCUN)

POP = _enter(0x50, "POP", gas.BASE, 1, 0, "drop the top")
MLOAD = _enter(0x51, "MLOAD", gas.VERY_LOW, 1, 1, "word of memory", reads=Range(0, fixed=32))
MSTORE = _enter(0x52, "MSTORE", gas.VERY_LOW, 2, 0, "store a word", writes=Range(0, fixed=32))
MSTORE8 = _enter(0x53, "MSTORE8", gas.VERY_LOW, 2, 0, "store a byte", writes=Range(0, fixed=1))
SLOAD = _enter(0x54, "SLOAD", gas.SLOAD, 1, 1, "read a storage slot (EIP-2929)", slot=0)
SSTORE = _enter(0x55, "SSTORE", gas.STORAGE_LEAST, 2, 0,
                "write a storage slot (EIP-2200, EIP-2929, EIP-3529)", static=FORBIDDEN, slot=0)
JUMP = _enter(0x56, "JUMP", gas.MID, 1, 0, "go to a JUMPDEST", jumps=True)
JUMPI = _enter(0x57, "JUMPI", gas.HIGH, 2, 0, "go to a JUMPDEST if the condition is not 0", jumps=True)
PC = _enter(0x58, "PC", gas.BASE, 0, 1, "where this instruction stands")
MSIZE = _enter(0x59, "MSIZE", gas.BASE, 0, 1, "bytes of memory in use")
GAS = _enter(0x5A, "GAS", gas.BASE, 0, 1, "gas left after this instruction")
JUMPDEST = _enter(0x5B, "JUMPDEST", gas.JUMPDEST, 0, 0, "where jumps may land")
TLOAD = _enter(0x5C, "TLOAD", gas.WARM_ACCESS, 1, 1, "read transient storage (EIP-1153)", CANCUN, transient=0)
TSTORE = _enter(0x5D, "TSTORE", gas.WARM_ACCESS, 2, 0, "write transient storage (EIP-1153)", CANCUN,
                static=FORBIDDEN, transient=0)
MCOPY = _enter(0x5E, "MCOPY", gas.VERY_LOW, 3, 0, "copy within memory (EIP-5656)", CANCUN,
               reads=Range(1, 2), writes=Range(0, 2))

PUSH0 = _enter(0x5F, "PUSH0", gas.BASE, 0, 1, "push 0 (EIP-3855)", SHANGHAI)
PUSH1, PUSH2, PUSH32 = PUSH0 + 1, PUSH0 + 2, PUSH0 + 32
for _n in range(1, 33):
    _enter(PUSH0 + _n, f"PUSH{_n}", gas.VERY_LOW, 0, 1, f"push {_n} bytes of code", immediate=_n)
DUP1, SWAP1 = 0x80, 0x90
for _n in range(1, 17):
    _enter(DUP1 + _n - 1, f"DUP{_n}", gas.VERY_LOW, _n, _n + 1, f"push a copy of item {_n}")
    _enter(SWAP1 + _n - 1, f"SWAP{_n}", gas.VERY_LOW, _n + 1, _n + 1, f"exchange the top with item {_n + 1}")
LOG0 = 0xA0
for _n in range(5):
    _enter(LOG0 + _n, f"LOG{_n}", gas.LOG + _n * gas.LOG_TOPIC, 2 + _n, 0, f"append a log with {_n} topics",
           static=FORBIDDEN, reads=Range(0, 1))

CREATE = _enter(0xF0, "CREATE", gas.CREATE, 3, 1, "create a contract", static=FORBIDDEN, reads=Range(1, 2))
CALL = _enter(0xF1, "CALL", gas.CALL, 7, 1, "call an account", static=WITHOUT_VALUE,
              account=1, reads=Range(3, 4), writes=Range(5, 6))
CALLCODE = _enter(0xF2, "CALLCODE", gas.CALL, 7, 1, "run another account's code as one's own",
                  account=1, reads=Range(3, 4), writes=Range(5, 6))
RETURN = _enter(0xF3, "RETURN", gas.ZERO, 2, 0, "end the frame with output", ends=True, reads=Range(0, 1))
DELEGATECALL = _enter(0xF4, "DELEGATECALL", gas.CALL, 6, 1,
                      "run another account's code as one's own, with caller and value kept (EIP-7)", HOMESTEAD,
                      account=1, reads=Range(2, 3), writes=Range(4, 5))
CREATE2 = _enter(0xF5, "CREATE2", gas.CREATE, 4, 1, "create a contract at an address fixed by salt and code (EIP-1014)",
                 CONSTANTINOPLE, static=FORBIDDEN, reads=Range(1, 2))
STATICCALL = _enter(0xFA, "STATICCALL", gas.CALL, 6, 1, "call without the right to change anything (EIP-214)",
                    BYZANTIUM, account=1, reads=Range(2, 3), writes=Range(4, 5))
REVERT = _enter(0xFD, "REVERT", gas.ZERO, 2, 0, "undo the frame, with output (EIP-140)", BYZANTIUM,
                ends=True, reads=Range(0, 1))
INVALID = _enter(0xFE, "INVALID", gas.ZERO, 0, 0, "the designated invalid instruction (EIP-141)", ends=True)
SELFDESTRUCT = _enter(0xFF, "SELFDESTRUCT", gas.SELF_DESTRUCT, 1, 0,
                      "send the balance away; the account goes only if this transaction created it (EIP-6780)",
                      ends=True, static=FORBIDDEN, account=0)
# fmt: on
