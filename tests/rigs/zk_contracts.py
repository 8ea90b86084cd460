"""The verifier's contracts in revm: deployed for a statement, and asked about proofs."""

from __future__ import annotations

import hashlib
import json
import runpy
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyrevm
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from jovay.prover.zk.proof import Statement
from jovay.prover.zk.setup import Setup
from jovay.prover.zk.solidity.evaluators import Arguments, evaluators
from jovay.prover.zk.solidity.key import key, message, setup_points
from rigs.paths import SOLIDITY, cache_dir

HARNESS = "test/zk/TablesHarness.sol"
DEVELOPMENT_CHAIN = 31_337
_CALLER = "0x" + "11" * 20
_DEPLOY_GAS = 1 << 40
_SOLC = SOLIDITY / "node_modules" / "solc" / "package.json"


@dataclass(frozen=True)
class Compiled:
    """A contract: its creation code, the size of its runtime code, and its ABI."""

    creation: bytes
    size: int
    abi: list[dict[str, Any]]

    def types(self, name: str) -> list[str]:
        """Of the inputs of a function, or of the constructor (``""``)."""
        kind = "function" if name else "constructor"
        entries = [e for e in self.abi if e["type"] == kind and e.get("name", "") == name]
        return [_type(value) for value in entries[0]["inputs"]]

    def call(self, name: str, *arguments: Any) -> bytes:
        """Calldata."""
        types = self.types(name)
        return keccak(text=f"{name}({','.join(types)})")[:4] + encode(types, arguments)

    @property
    def errors(self) -> dict[bytes, str]:
        """Names by selector."""
        entries = [e for e in self.abi if e["type"] == "error"]
        return {
            keccak(text=f"{e['name']}({','.join(map(_type, e['inputs']))})")[:4]: e["name"] for e in entries
        }


def _type(value: dict[str, Any]) -> str:
    kind: str = value["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(map(_type, value['components']))}){kind.removeprefix('tuple')}"


@cache
def _script() -> dict[str, Any]:
    return runpy.run_path(str(SOLIDITY / "script" / "artifacts.py"))


def compiled(sources: dict[str, str], yul: bool = True) -> dict[str, Compiled]:
    """Contracts of Solidity files by name, without abstract ones; kept on disk."""
    text = json.dumps([sources, yul, json.loads(_SOLC.read_text())["version"]], sort_keys=True)
    kept = cache_dir("jovay-solc") / (hashlib.sha256(text.encode()).hexdigest() + ".zk.json")
    if not kept.is_file():
        output = _script()["_compile"]({name: {"content": content} for name, content in sources.items()}, yul)
        kept.write_text(json.dumps(output["contracts"]))
    found = {}
    for contracts in json.loads(kept.read_text()).values():
        for name, contract in contracts.items():
            code, runtime = (contract["evm"][k]["object"] for k in ("bytecode", "deployedBytecode"))
            if code:
                found[name] = Compiled(bytes.fromhex(code), len(runtime) // 2, contract["abi"])
    return found


def sources(root: str, replaced: dict[str, str] | None = None) -> dict[str, str]:
    """A file of ``contracts`` and all that it imports; ``replaced``: other texts for some of them."""
    found = {name: file["content"] for name, file in _script()["_sources"]([root]).items()}
    return found | (replaced or {})


class Chain:
    """revm, with what a statement's proofs are verified by."""

    def __init__(self, chain_id: int = DEVELOPMENT_CHAIN) -> None:
        self.evm = pyrevm.EVM(env=pyrevm.Env(cfg=pyrevm.CfgEnv(chain_id=chain_id)), spec_id="PRAGUE")

    def deploy(self, contract: Compiled, *arguments: Any) -> str:
        """The address."""
        code = contract.creation + (encode(contract.types(""), arguments) if arguments else b"")
        return str(self.evm.deploy(_CALLER, code, gas=_DEPLOY_GAS))

    def deploy_evaluators(self, statement: Statement) -> list[bytes]:
        """Of the chips of a statement."""
        made = evaluators(Arguments(statement.chips, statement.width), "Chips")
        found = []
        for name, text in made.items():
            address = self.deploy(compiled({f"{name}.sol": text}, yul=False)[name])
            found.append(bytes.fromhex(address[2:]))
        return found

    def refusal(self, to: str, contract: Compiled, data: bytes, caller: str = _CALLER) -> str | None:
        """The name of the error with which a call reverts; None if it does not."""
        try:
            self.evm.message_call(caller, to, calldata=data, gas=1 << 30)
        except RuntimeError as error:
            return _named(contract, str(error))
        return None


def _named(contract: Compiled, text: str) -> str:
    """Of what revm says of a call that reverts."""
    for selector, name in contract.errors.items():
        if f"0x{selector.hex()}" in text:
            return name
    return text


class Verifier:
    """``TablesHarness`` for a statement's chips and key."""

    def __init__(self, statement: Statement, setup: Setup, replaced: dict[str, str] | None = None) -> None:
        self.chain, self.contract = Chain(), compiled(sources(HARNESS, replaced))["TablesHarness"]
        evaluating = self.chain.deploy_evaluators(statement)
        self.address = self.chain.deploy(self.contract, key(statement, evaluating), setup_points(setup))

    def refusal(self, statement: Statement, proof: bytes) -> str | None:
        """The error's name; None if the proof is accepted."""
        return self.asked(self.chain, self.address, self.contract, statement, proof)

    @staticmethod
    def asked(
        chain: Chain, address: str, contract: Compiled, statement: Statement, proof: bytes
    ) -> str | None:
        """The same of a contract that is deployed already."""
        messages = [message(each) for each in statement.public]
        return chain.refusal(address, contract, contract.call("check", messages, proof))

    @property
    def gas(self) -> int:
        """What the last call took."""
        result: Any = self.chain.evm.result
        return int(result.gas_used + result.gas_refunded)
