"""Contracts in assembly, and accounts to run them with: the same for our state and for anvil's."""

from __future__ import annotations

from rigs.assembly import asm, call, create
from rigs.memory_chain import ETHER, Pre

ALICE, MAIN, OTHER, POOR = b"\xa1" * 20, b"\xb0" * 20, b"\xc0" * 20, b"\xd0" * 20
IDENTITY, SHA256 = (4).to_bytes(20, "big"), (2).to_bytes(20, "big")
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
