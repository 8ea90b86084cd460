"""The escape hatch in Solidity: Poseidon2 and zkTrie proofs against the slow model and the kernel, exits on revm."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pyrevm
import pytest
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from rigs import zktrie_model as model
from rigs.paths import ROOT
from rigs.solidity import compile_sources
from rigs.zktries import Plain, Store

SOURCES = ROOT / "contracts"
SCENE, CALLER, OWNER = "0x" + "c0" * 20, "0x" + "0a" * 20, b"\x11" * 20
BASIC, CODE_HASH, SLOT = 0, 1, 3
NODE = 65


class Revm:
    """The scene, deployed; calls return the decoded value, or raise what revm says."""

    def __init__(self, creation: str) -> None:
        self.evm = pyrevm.EVM()
        self.scene = self.evm.deploy(CALLER, bytes.fromhex(creation.removeprefix("0x")))
        self.hatch = self("hatch()", out="address")
        self.gas = 0

    def __call__(self, signature: str, *values: Any, out: str = "bytes32", to: str | None = None) -> Any:
        inner = signature[signature.index("(") + 1 : -1]
        data = keccak(text=signature)[:4] + encode(_split(inner), values)
        result = self.evm.message_call(CALLER, to or self.scene, data, gas=100_000_000)
        self.gas = self.evm.result.gas_used
        return decode([out], result)[0] if out else None

    def commits(self, signature: str, *values: Any) -> None:
        self(signature, *values, out="")


def _split(types: str) -> list[str]:
    parts, depth = [""], 0
    for letter in types:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part for part in parts if part]


@pytest.fixture(scope="module")
def creation() -> str:
    names = (
        "src/lib/Poseidon2.sol",
        "src/lib/ZkTrie.sol",
        "src/l1/EscapeHatch.sol",
        "test/EscapeHatchScene.sol",
    )
    return compile_sources([SOURCES / name for name in names])["EscapeHatchScene"].bytecode


@pytest.fixture
def revm(creation: str) -> Revm:
    return Revm(creation)


def digest(random: Random) -> bytes:
    return model.pack([random.randrange(model.P) for _ in range(8)])


def key_of(address: bytes, kind: int, slot: int = 0) -> bytes:
    number = int.from_bytes(address, "big") << 256 | slot
    limbs = [number >> 28 * i & (1 << 28) - 1 for i in range(15)]
    elements = model.pack([*limbs, kind])
    return model.compress(elements[:32], elements[32:])


def basic(nonce: int, balance: int, code_size: int = 0, flags: int = 0) -> bytes:
    return (
        bytes((0, flags, 0, 0))
        + code_size.to_bytes(4, "big")
        + nonce.to_bytes(8, "big")
        + balance.to_bytes(16, "big")
    )


def a_trie(pairs: Sequence[tuple[bytes, bytes]]) -> tuple[bytes, Callable[[bytes], bytes]]:
    """Root, and proofs by the kernel."""
    store = Store(Plain())
    assert store.update(pairs) == 0
    return store.root, store.prove


def a_path(random: Random, key: bytes, value: bytes, depth: int) -> tuple[bytes, bytes]:
    """Root and proof of a leaf below ``depth`` branches; nothing but the path is known of the trie."""
    nodes, at = [b"\x01" + key + value], model.leaf_digest(key, value)
    bits = model.path(key)
    for bit in sorted(random.sample(range(model.BITS), depth), reverse=True):
        sibling = digest(random)
        left, right = (at, sibling) if bits[bit] == "0" else (sibling, at)
        nodes.append(b"\x00" + left + right)
        at = model.branch_digest(left, right, bit)
    return at, b"".join(reversed(nodes))


def test_the_library_is_what_the_kernel_prints() -> None:
    printed = subprocess.run(
        [sys.executable, SOURCES / "script/poseidon2.py"], capture_output=True, check=True, text=True
    ).stdout
    assert printed == (SOURCES / "src/lib/Poseidon2.sol").read_text()


def test_compression(revm: Revm) -> None:
    random = Random(1)
    pairs = [(digest(random), digest(random)) for _ in range(30)]
    pairs += [(model.pack([edge] * 8), model.pack([edge] * 8)) for edge in (0, 1, model.P - 1)]
    for left, right in pairs:
        assert revm("compress(bytes32,bytes32)", left, right) == model.compress(left, right)


@pytest.mark.parametrize("element", range(16))
def test_no_second_form_of_an_element(revm: Revm, element: int) -> None:
    words = [5] * 16
    for word in (model.P, 2**32 - 1):
        words[element] = word
        data = model.pack(words)
        with pytest.raises(RuntimeError, match="Revert"):
            revm("compress(bytes32,bytes32)", data[:32], data[32:])


def test_keys(revm: Revm) -> None:
    random = Random(2)
    for kind in range(4):
        address, slot = random.randbytes(20), random.randrange(1 << 256)
        found = revm("keyOf(address,bytes32,uint256)", address, slot.to_bytes(32, "big"), kind)
        assert found == key_of(address, kind, slot)


def test_proofs_of_the_kernel(revm: Revm) -> None:
    random = Random(3)
    for size in (0, 1, 2, 3, 40):
        pairs = {digest(random): random.randbytes(32) for _ in range(size)}
        root, prove = a_trie(list(pairs.items()))
        absent = [digest(random) for _ in range(5)]
        for key in [*pairs, *absent]:
            assert revm("lookup(bytes32,bytes32,bytes)", root, key, prove(key)) == pairs.get(key, bytes(32))


def test_forged_proofs(revm: Revm) -> None:
    random = Random(4)
    pairs = {digest(random): random.randbytes(32) for _ in range(40)}
    root, prove = a_trie(list(pairs.items()))
    key = next(iter(pairs))
    good = prove(key)
    forged = [
        good[:-NODE],
        good[NODE:],
        good + good[-NODE:],
        b"",
        good[:-1],
        good + b"\0",
        bytes(NODE) + good,
    ]
    forged += [good[:-NODE] + b"\x00" + good[-NODE + 1 :], good[:-32] + bytes(32), b"\x01" + good[1:]]
    for _ in range(150):
        at, bit = random.randrange(len(good)), 1 << random.randrange(8)
        forged.append(good[:at] + bytes((good[at] ^ bit,)) + good[at + 1 :])
    for proof in forged:
        with pytest.raises(RuntimeError, match="Revert"):
            revm("lookup(bytes32,bytes32,bytes)", root, key, proof)
    with pytest.raises(RuntimeError, match="Revert"):
        revm("lookup(bytes32,bytes32,bytes)", bytes(32), key, good)


ETH = "exitETH(address,(bytes,bytes,address))"
ERC20 = "exitERC20(address,address,(bytes,bytes,address),bytes)"


def exit_eth(revm: Revm, account: bytes, proof: tuple[bytes, bytes, bytes]) -> None:
    revm(ETH, account, proof, out="", to=revm.hatch)


@pytest.fixture
def state(revm: Revm) -> Callable[[bytes], bytes]:
    """Accounts by address: 11… with ETH, 22… a contract, 33… one that delegates, 44… with a balance beyond 128 bits;
    the L2 token 77… of the L1 token 66…, of which 11… and 55… (no account) hold some."""
    delegation = keccak(b"\xef\x01\x00" + b"\x99" * 20)
    slot = {
        holder: int.from_bytes(keccak(bytes(12) + holder + bytes(32)), "big")
        for holder in (OWNER, b"\x55" * 20)
    }
    pairs = [
        (key_of(OWNER, BASIC), basic(3, 10**18)),
        (key_of(b"\x22" * 20, BASIC), basic(1, 5, 500)),
        (key_of(b"\x22" * 20, CODE_HASH), keccak(b"code")),
        (key_of(b"\x33" * 20, BASIC), basic(1, 6, 23)),
        (key_of(b"\x33" * 20, CODE_HASH), delegation),
        (key_of(b"\x44" * 20, BASIC), basic(1, 7, 0, 1)),
        (key_of(b"\x88" * 20, BASIC), basic(1, 0)),
        *((key_of(b"\x77" * 20, SLOT, at), (1000).to_bytes(32, "big")) for at in slot.values()),
    ]
    root, prove = a_trie(pairs)
    revm.commits("setRoot(bytes32)", root)
    revm.commits("setToken(address,address)", b"\x66" * 20, b"\x77" * 20)
    return prove


def paid(revm: Revm, asset: bytes, account: bytes) -> int:
    return int(revm("paid(address,address)", asset, account, out="uint256"))


def test_an_account_exits_once(revm: Revm, state: Callable[[bytes], bytes]) -> None:
    proof = (state(key_of(OWNER, BASIC)), b"", bytes(20))
    exit_eth(revm, OWNER, proof)
    assert paid(revm, bytes(20), OWNER) == 10**18
    with pytest.raises(RuntimeError, match=keccak(text="AlreadyExited(address,address)")[:4].hex()):
        exit_eth(revm, OWNER, proof)
    assert paid(revm, bytes(20), OWNER) == 10**18


def test_nothing_before_exodus(revm: Revm) -> None:
    with pytest.raises(RuntimeError, match=keccak(text="NotInExodus()")[:4].hex()):
        exit_eth(revm, OWNER, (b"", b"", bytes(20)))


@pytest.mark.parametrize(
    ("account", "error"),
    [
        (b"\x22" * 20, "HeldByContract(address,uint256)"),
        (b"\x44" * 20, "BalanceTooLarge(address)"),
        (b"\x55" * 20, "NothingToExit(address,address)"),
        (b"\x88" * 20, "NothingToExit(address,address)"),
    ],
)
def test_who_does_not_exit(revm: Revm, state: Callable[[bytes], bytes], account: bytes, error: str) -> None:
    proof = (state(key_of(account, BASIC)), state(key_of(account, CODE_HASH)), bytes(20))
    with pytest.raises(RuntimeError, match=keccak(text=error)[:4].hex()):
        exit_eth(revm, account, proof)


def test_an_account_that_delegates(revm: Revm, state: Callable[[bytes], bytes]) -> None:
    account = b"\x33" * 20
    proofs = state(key_of(account, BASIC)), state(key_of(account, CODE_HASH))
    with pytest.raises(RuntimeError, match=keccak(text="HeldByContract(address,uint256)")[:4].hex()):
        exit_eth(revm, account, (*proofs, b"\x98" * 20))
    exit_eth(revm, account, (*proofs, b"\x99" * 20))
    assert paid(revm, bytes(20), account) == 6


def test_another_accounts_proof(revm: Revm, state: Callable[[bytes], bytes]) -> None:
    with pytest.raises(RuntimeError, match="Revert"):
        exit_eth(revm, b"\x11" * 19 + b"\x12", (state(key_of(OWNER, BASIC)), b"", bytes(20)))


def test_tokens(revm: Revm, state: Callable[[bytes], bytes]) -> None:
    for holder in (OWNER, b"\x55" * 20):
        slot = int.from_bytes(keccak(bytes(12) + holder + bytes(32)), "big")
        balance = state(key_of(b"\x77" * 20, SLOT, slot))
        values = (b"\x66" * 20, holder, (state(key_of(holder, BASIC)), b"", bytes(20)), balance)
        revm(ERC20, *values, out="", to=revm.hatch)
        assert paid(revm, b"\x66" * 20, holder) == 1000
        with pytest.raises(RuntimeError, match=keccak(text="AlreadyExited(address,address)")[:4].hex()):
            revm(ERC20, *values, out="", to=revm.hatch)
    with pytest.raises(RuntimeError, match=keccak(text="UnknownToken(address)")[:4].hex()):
        revm(ERC20, b"\x67" * 20, *values[1:], out="", to=revm.hatch)


@pytest.mark.parametrize(("depth", "limit"), [(25, 1_000_000), (64, 2_500_000)])
def test_gas(revm: Revm, depth: int, limit: int) -> None:
    """A trie of 2²¹ leaves has paths of about 22 branches."""
    root, proof = a_path(Random(depth), key_of(OWNER, BASIC), basic(3, 10**18), depth)
    revm.commits("setRoot(bytes32)", root)
    exit_eth(revm, OWNER, (proof, b"", bytes(20)))
    assert 29_000 * depth < revm.gas < limit
    assert paid(revm, bytes(20), OWNER) == 10**18
