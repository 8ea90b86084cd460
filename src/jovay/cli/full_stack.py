"""``jovay up``: L1, the node, the relayer, the prover controller, a TEE and a ZK prover, run together and watched.

In order: L1 (unless another one is named), its contracts at the first start, the node in this process, then the rest as
child processes. They are stopped the other way round; a start goes on where the last one ended.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from jovay.bridge.development import role_key
from jovay.bridge.errors import BridgeError
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.deployment import Proving
from jovay.cli import demo, running
from jovay.cli.own_stack import jovay
from jovay.cli.stack import L1_VARIABLE, StackError, open_stack
from jovay.cli.starting import Starting
from jovay.cli.supervisor import Part, Supervisor
from jovay.config import NodeConfig
from jovay.monitoring.stats import NodeStats, PartStats
from jovay.native.kernel import load_visibly
from jovay.prover.development import deploy_development, installed_proving

Serve = Callable[["FullStack", running.StopSignal], None]
_STEPS = 7
#: Seconds after which the batch of a quiet development chain is closed, so that its blocks are soon attested.
BATCH_AGE = 4
#: The same for each batch that waits for its ZK proof: a laptop proves one in a minute or two.
UNPROVEN_AGE = 30
#: Instructions of a batch's proof: what two cores and some twelve gigabytes prove in minutes.
BATCH_CYCLES = 800_000
#: Seconds between two looks of the relayer: a development L1 makes a block a second.
PACE = 0.25
#: Seconds that a step of the walk may take.
DEMO_TIME = 900.0
_POLL = 0.2


@dataclass(frozen=True)
class Places:
    """Where a stack's parts are: its folder, and their ports."""

    folder: Path
    l1_port: int
    controller_port: int
    relayer_port: int

    @property
    def genesis(self) -> Path:
        return self.folder / "genesis.json"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def l1_url(self) -> str:
        return f"http://127.0.0.1:{self.l1_port}"

    @property
    def controller_url(self) -> str:
        return f"http://127.0.0.1:{self.controller_port}"


class FullStack:
    """The parts of one stack, in the order in which they start; a source of figures as a node is."""

    node: running.RunningNode

    def __init__(
        self, config: NodeConfig, places: Places, signals: running.StopSignal, zk: bool = True
    ) -> None:
        """``zk``: with ZK proofs, without which nothing becomes final."""
        self.config, self.places, self._signals, self._zk = config, places, signals, zk
        self._supervisors: list[Supervisor] = []
        places.logs.mkdir(parents=True, exist_ok=True)

    @property
    def l1_url(self) -> str:
        return self.config.l1 or self.places.l1_url

    def parts(self) -> Sequence[PartStats]:
        """How the programs beside the node are."""
        return [part for one in self._supervisors for part in one.stats()]

    @property
    def http_url(self) -> str:
        return self.node.http_url

    @property
    def ws_url(self) -> str:
        return self.node.ws_url

    @property
    def failure(self) -> str:
        """Why the stack cannot go on; empty while it can."""
        return self.node.failure or next((one.failure for one in self._supervisors if one.failure), "")

    def stats(self) -> NodeStats:
        """The node's figures, with what ails any part."""
        known = self.node.stats()
        return known if known.failure else replace(known, failure=self.failure)

    def start(self, stack: ExitStack, starting: Starting) -> None:
        """Start everything; ``stack`` stops it. Raises ``StartError`` before that if a port is taken."""
        self._check_ports()
        outer = self._supervised(stack)
        starting.step("L1")
        if self.config.l1 is None:
            outer.run(self._l1(), self._check)
        starting.step("program of ZK proofs")
        proving = installed_proving() if self._zk else None
        starting.step("contracts on L1")
        self._deploy(proving)
        starting.step("node")
        config = replace(
            self.config,
            datadir=self.places.folder / "chain",
            genesis=self.places.genesis,
            l1=self.l1_url,
            prover=self.places.controller_url,
        )
        self.node = stack.enter_context(running.started(config, self._signals))
        inner = self._supervised(stack)
        parts = {
            "prover controller": self._controller(),
            "TEE prover": self._prover(),
            "relayer": self._relayer(),
        }
        if self._zk:
            inner.begin(self._zk_prover())  # what it compiles may take a while, and nobody waits for it
        for part in parts.values():
            inner.begin(part)
        for name, part in parts.items():
            starting.step(name)
            inner.await_ready(part, self._check)

    def _check_ports(self) -> None:
        running.check_ports(self.config)
        ports = {"--controller-port": self.places.controller_port, "--relayer-port": self.places.relayer_port}
        if self.config.l1 is None:
            ports["--l1-port"] = self.places.l1_port
        for flag, port in ports.items():
            running.check_port("127.0.0.1", port, flag)

    def demonstrate(self) -> None:
        """Walk through the stack once, and say what happened; a step that is not reached ends only the walk."""
        walk = threading.Thread(target=self._walk, name="walk", daemon=True)
        walk.start()
        while walk.is_alive() and not self._signals.event.is_set():
            walk.join(_POLL)

    def _walk(self) -> None:
        stack = open_stack(self.http_url, self.l1_url, self.places.genesis)
        try:
            demo.run(demo.Walk(lambda text: print(text, flush=True)), stack, "dev:0", DEMO_TIME)
        except (StackError, BridgeError) as error:
            if not self._signals.event.is_set():
                print(f"the walk ends: {error}", flush=True)

    def _supervised(self, stack: ExitStack) -> Supervisor:
        one = Supervisor()
        self._supervisors.append(one)
        stack.callback(one.close, lambda name: print(f"stopping {name}", flush=True))
        return one

    def _check(self) -> None:
        if self._signals.event.is_set():
            raise KeyboardInterrupt

    def _deploy(self, proving: Proving | None) -> None:
        """Deploy the contracts at the first start, and see to what has changed since at later ones."""
        client = L1Client(self.l1_url)
        try:
            deploy_development(client, self.places.genesis, prove=lambda: proving)
        finally:
            client.close()

    # ---- the programs ----------------------------------------------------------------------------------------

    def _l1(self) -> Part:
        words = [
            "l1",
            "start",
            "--datadir",
            str(self.places.folder / "l1"),
            "--port",
            str(self.places.l1_port),
        ]
        return self._part("l1", words)

    def _controller(self) -> Part:
        words = [
            "prover",
            "controller",
            "--node",
            self.http_url,
            "--datadir",
            str(self.places.folder / "controller"),
        ]
        return self._part("controller", [*words, "--listen", f"127.0.0.1:{self.places.controller_port}"])

    def _prover(self) -> Part:
        words = ["prover", "tee", "--datadir", str(self.places.folder / "prover")]
        words += ["--genesis", str(self.places.genesis)]
        words += ["--controller", self.places.controller_url, "--platform", "simulated"]
        return self._part("prover", [*words, "--registrar-key", "env:JOVAY_REGISTRAR_KEY"], "registrar")

    def _zk_prover(self) -> Part:
        return self._part("zk prover", ["prover", "zk", "--controller", self.places.controller_url])

    def _relayer(self) -> Part:
        words = ["relayer", "--datadir", str(self.places.folder / "relayer")]
        words += ["--genesis", str(self.places.genesis)]
        words += ["--node", self.http_url, "--controller", self.places.controller_url]
        words += ["--listen", f"127.0.0.1:{self.places.relayer_port}"]
        words += ["--batch-age", str(BATCH_AGE), "--pace", str(PACE)]
        words += ["--unproven-age", str(UNPROVEN_AGE if self._zk else 0)]
        if self._zk:
            words += ["--batch-cycles", str(BATCH_CYCLES)]
        roles = ("committer", "claims", "feeder")
        for role in roles:
            words += [f"--{role}-key", f"env:{_variable(role)}"]
        return self._part("relayer", words, *roles)

    def _part(self, name: str, words: Sequence[str], *roles: str) -> Part:
        """``roles``: whose keys it is given, in its environment, as L1's URL is."""
        secrets = {_variable(role): role_key(role).hex() for role in roles} | {L1_VARIABLE: self.l1_url}
        return Part(name, jovay(*words), self.places.logs / f"{name}.log", secrets)


def _variable(role: str) -> str:
    return f"JOVAY_{role.upper()}_KEY"


def run(config: NodeConfig, places: Places, serve: Serve, zk: bool = True) -> int:
    """Start a stack, ``serve`` until the end, stop it; the exit status."""

    def work(signals: running.StopSignal) -> None:
        load_visibly()
        with ExitStack() as stack:
            parts = FullStack(config, places, signals, zk)
            with Starting(sys.stdout, _STEPS) as starting:
                parts.start(stack, starting)
            serve(parts, signals)

    return running.guarded(work)
