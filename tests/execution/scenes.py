"""Contracts in assembly, and accounts to run them with: the same for our state and for anvil's."""

from __future__ import annotations

from execution.memory_chain import ETHER, Pre

ALICE, MAIN, OTHER, POOR = b"\xa1" * 20, b"\xb0" * 20, b"\xc0" * 20, b"\xd0" * 20
IDENTITY, SHA256 = (4).to_bytes(20, "big"), (2).to_bytes(20, "big")
OPCODES = {
    name: code
    for code, names in {
        0x00: "stop add mul sub div",
        0x10: "lt gt",
        0x20: "keccak256",
        0x30: "address balance origin caller callvalue calldataload calldatasize calldatacopy codesize codecopy "
        "gasprice extcodesize extcodecopy returndatasize returndatacopy extcodehash",
        0x40: "blockhash coinbase timestamp number prevrandao gaslimit chainid selfbalance basefee",
        0x50: "pop mload mstore mstore8 sload sstore jump jumpi pc msize gas jumpdest tload tstore mcopy push0",
        0x80: "dup1 dup2 dup3",
        0x90: "swap1 swap2",
        0xA0: "log0 log1 log2",
        0xF0: "create call callcode return delegatecall create2",
        0xFA: "staticcall",
        0xFD: "revert invalid selfdestruct",
    }.items()
    for code, name in enumerate(names.split(), code)
}


def asm(*items: str | int | bytes) -> bytes:
    """Bytecode of mnemonics; numbers and bytes are pushed."""
    out = bytearray()
    for item in items:
        if isinstance(item, str):
            for word in item.split():
                out.append(OPCODES[word])
            continue
        if isinstance(item, int):
            item = item.to_bytes((item.bit_length() + 7) // 8, "big")
        out += bytes([0x5F + len(item)]) + item
    return bytes(out)


def call(to: bytes, value: int = 0, gas: int | None = None, op: str = "call", size: int = 0) -> bytes:
    """A call with ``size`` bytes of memory as input; its success stays on the stack."""
    granted = asm("gas") if gas is None else asm(gas)
    values = asm(value) if op in ("call", "callcode") else b""
    return asm(0, 0, size, 0) + values + asm(to) + granted + asm(op)


def create(init: bytes, value: int = 0, op: str = "create", salt: int = 0) -> bytes:
    """Create from up to 32 bytes of initialisation code; the address stays on the stack."""
    assert len(init) <= 32
    salted = asm(salt) if op == "create2" else b""
    return asm(init.ljust(32, b"\0"), 0, "mstore") + salted + asm(len(init), 0, value, op)


DEPLOY_FE = asm(0xFE, 0, "mstore8", 1, 0, "return")
LOG = asm(0xAB, 0, "mstore", 7, 32, 0, "log1")
REVERT = asm(0xAB, 0, "mstore", 32, 0, "revert")

#: Code at OTHER, code at MAIN.
CASES: dict[str, tuple[bytes, bytes]] = {
    "plain": (b"", asm(1, 2, "add pop stop")),
    "returns": (b"", asm(5, 0, "mstore", 32, 0, "return")),
    "reverts": (b"", REVERT),
    "invalid": (b"", asm(1, "invalid")),
    "storage": (
        b"",
        asm(
            1,
            "sload pop",
            9,
            1,
            "sstore",
            1,
            "sload pop",
            0,
            1,
            "sstore",
            5,
            3,
            "sstore",
            0,
            3,
            "sstore stop",
        ),
    ),
    "calls": (
        asm(7, 0, "sstore", 3, 0, "mstore", 32, 0, "return"),
        call(OTHER) + asm("pop") + call(OTHER) + asm("stop"),
    ),
    "value": (b"", call(OTHER, 5) + call(POOR, 3) + asm("stop")),
    "too much value": (b"", call(OTHER, 10**30) + asm("stop")),
    "delegates": (
        asm(7, 0, "sstore callvalue pop caller pop stop"),
        call(OTHER, op="delegatecall") + asm("stop"),
    ),
    "callcode": (asm(7, 0, "sstore stop"), call(OTHER, op="callcode") + asm("stop")),
    "static": (asm("callvalue pop stop"), call(OTHER, op="staticcall") + asm("stop")),
    "static write": (asm(7, 0, "sstore stop"), call(OTHER, op="staticcall") + asm("stop")),
    "static log": (LOG, call(OTHER, op="staticcall") + asm("stop")),
    "inner revert": (asm(7, 0, "sstore") + REVERT, call(OTHER) + asm("stop")),
    "inner out of gas": (asm(7, 0, "sstore stop"), call(OTHER, gas=5_000) + asm("stop")),
    "inner bad jump": (asm(3, "jump"), call(OTHER, gas=50_000) + asm("stop")),
    "inner underflow": (asm("add"), call(OTHER, gas=50_000) + asm("stop")),
    "precompiles": (b"", asm(5, 0, "mstore") + call(IDENTITY, size=32) + call(SHA256, size=32) + asm("stop")),
    "precompile out of gas": (b"", call(SHA256, gas=10, size=32) + asm("stop")),
    "logs": (LOG + asm("stop"), LOG + call(OTHER) + asm("pop") + LOG + asm("stop")),
    "reverted logs": (LOG + REVERT, LOG + call(OTHER) + asm("pop") + LOG + asm("stop")),
    "creates": (b"", create(DEPLOY_FE) + create(DEPLOY_FE, 3) + asm("stop")),
    "creates by salt": (b"", create(DEPLOY_FE, op="create2", salt=1) + asm("stop")),
    "collides": (
        b"",
        create(DEPLOY_FE, op="create2", salt=1)
        + asm("pop")
        + create(DEPLOY_FE, op="create2", salt=1)
        + asm("stop"),
    ),
    "create reverts": (b"", create(REVERT) + asm("stop")),
    "create fails": (b"", create(asm("invalid")) + asm("stop")),
    "create of 0xef": (b"", create(asm(0xEF, 0, "mstore8", 1, 0, "return")) + asm("stop")),
    "create without money": (b"", create(DEPLOY_FE, 10**30) + asm("stop")),
    "destructs": (asm(POOR, "selfdestruct"), call(OTHER) + asm("stop")),
    "creates and destructs": (b"", create(asm("caller selfdestruct"), 5) + asm("stop")),
    "reads others": (
        asm("stop"),
        asm(
            OTHER,
            "balance pop",
            POOR,
            "extcodesize pop",
            OTHER,
            "extcodehash pop",
            1,
            0,
            0,
            OTHER,
            "extcodecopy stop",
        ),
    ),
    "memory": (b"", asm(1, 100, "mstore", 3, 200, 0, "mcopy", 64, 0, "keccak256 pop msize pop stop")),
    "transient": (b"", asm(5, 1, "tstore", 1, "tload pop stop")),
    "loop": (b"", asm(9) + bytes.fromhex("5b6001900380600257") + asm("stop")),
    "recursion": (
        b"",
        asm(0, "sload", 1, "add dup1", 0, "sstore pop") + call(MAIN, gas=60_000) + asm("stop"),
    ),
}


def accounts(case: str) -> dict[bytes, Pre]:
    """The state before."""
    other, main = CASES[case]
    return {
        ALICE: Pre(ETHER),
        MAIN: Pre(1_000, 1, main, {1: 4}),
        OTHER: Pre(77, 1, other),
    }
