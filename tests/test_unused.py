"""Nothing in the source is there for nobody: files, functions, classes, methods, constants, entries of the kernel."""

from __future__ import annotations

from functools import cache

from jovay.compiler.kernel import ENTRIES
from rigs.paths import ROOT
from rigs.sources import modules
from rigs.unused import Sources, unreached, unused

#: What is there though nothing in the source uses it, by the beginning of its name, and why.
MEANT = {
    "jovay.bridge.wire.l1_message.L1Message": "tests make messages as L1Mailbox does",
    "jovay.compiler.frontend._CapturingLibrary.": "Numba's code generation calls it",
    "jovay.conformance.parallel.Side.add_contract": "tests add what their blocks call",
    "jovay.kernel.trie.proofs.VERIFY_SCRATCH": "memory that verify_proof asks for",
    "jovay.kernel.trie.proofs.verify_proof": "verifies what jovay_getProof returns",
    "jovay.prover.controller.server._Handler.do_": "http.server calls it",
    "jovay.prover.tee.verify.verify": "the judge of quotes beside TEEVerifier",
    "jovay.prover.zk": "the verifier on L1 and audits of chips, for deployments and tests",
    "jovay.rpc.http.HttpConnection.on_": "httptools calls it",
}
NOT_CALLERS = ("jovay.kernel.", "jovay.compiler.kernel")


@cache
def sources() -> Sources:
    return Sources(modules() | modules(ROOT / "bench"))


def test_everything_is_used() -> None:
    assert unused(sources(), MEANT) == []


def test_every_file_is_reached_from_a_command() -> None:
    assert [name for name in unreached(sources()) if not name.startswith(tuple(MEANT))] == []


def test_every_exemption_is_needed() -> None:
    found = unused(sources()) + unreached(sources())
    assert [name for name in MEANT if not any(each.startswith(name) for each in found)] == []


def test_the_nodes_kernel_has_no_entries_that_nobody_calls() -> None:
    uses = sources().uses.functions
    names = {f"jovay.kernel.{entry.symbol}" for entry in ENTRIES}
    assert [name for name in names if all(place.startswith(NOT_CALLERS) for place in uses[name])] == []


def test_what_is_planted_is_found() -> None:
    text = """
def _calls_itself(): return _calls_itself()
def _user(): return _used()
def _used(): pass
class _Planted:
    def planted_method(self): pass
def _named_in_its_text():
    "_named_in_its_text does nothing"
_PLANTED = 1
def _printed(): pass
print(_printed)
"""
    module = "jovay.chain.rlp"
    names = "_PLANTED _Planted _Planted.planted_method _calls_itself _named_in_its_text _used _user"
    chain = {name: path for name, path in modules().items() if name.startswith("jovay.chain")}
    found = set(unused(Sources(chain, {module: text}))) - set(unused(Sources(chain)))
    assert found == {f"{module}.{name}" for name in names.split()}


def test_a_file_that_nothing_imports_is_found() -> None:
    files = {name: path for name, path in modules().items() if name.startswith(("jovay.chain", "jovay.cli"))}
    files["jovay.chain.planted"] = files["jovay.chain.errors"]
    assert "jovay.chain.planted" in unreached(Sources(files))
