"""A node as JSON-RPC sees it, over one open chain: the parts of ``jovay.rpc.backend`` put together."""

from __future__ import annotations

import platform
from collections.abc import Callable

from jovay import __version__
from jovay.chain.settlement import Settlement
from jovay.chain.types import Hash32
from jovay.rpc.backend import Backend
from jovay.rpc.backend.development import Development
from jovay.sequencer.sequencer import Sequencer
from jovay.simulation.simulate import Simulator
from jovay.state.historical_tries import HistoricalTries
from jovay.state.proofs import Prover
from jovay.state.reader import StateReader
from jovay.storage.logs_index import LogsIndex
from jovay.tracer.lookback import Lookback
from jovay.tracer.witnesses import Witnesses

from .chain import NodeChain
from .events import NodeEvents
from .executor import NodeExecutor
from .pool import NodePool
from .rewinding import Rewinding
from .settlement import NodeSettlement
from .source import SimulationSource
from .state import Heights, NodeState
from .tracer import NodeTracer


class NodeBackend:
    """The parts, over one sequencer."""

    def __init__(
        self,
        sequencer: Sequencer,
        logs_index: LogsIndex,
        genesis_hash: Hash32,
        history_blocks: int = 8_192,
        min_price: int = 0,
        call_gas: int = 50_000_000,
        refused: Callable[[str, int], None] = lambda reason, count: None,
        settlement: Settlement | None = None,
    ) -> None:
        """``min_price``: least priority fee that the pool takes, in wei per gas; ``call_gas``: most of a request.

        ``refused`` is told how many transactions were refused for a reason. ``settlement``: of a settled chain.
        """
        self.sequencer, self.reader = sequencer, StateReader(sequencer.world)
        self.events = NodeEvents(sequencer)
        self.chain = NodeChain(sequencer, logs_index, genesis_hash)
        Rewinding(sequencer, self.chain, self.events)
        self.pool = NodePool(sequencer, self.reader, self.events, min_price, refused)
        heights, tries = Heights(self.chain.head, history_blocks), HistoricalTries(sequencer, self.reader)
        self.state = NodeState(self.reader, Prover(tries, self.reader), heights)
        source = SimulationSource(sequencer, self.chain, tries)
        gas = max(call_gas, sequencer.settings.gas_limit)
        simulator = Simulator(sequencer.library, sequencer.world, source, gas=gas)
        lookback = Lookback(simulator, tries, sequencer.rules.settled)
        witnesses = Witnesses(sequencer.library, sequencer.data, sequencer.rules, lookback)
        self.executor = NodeExecutor(simulator, witnesses, heights)
        self.tracer = NodeTracer(sequencer, witnesses) if sequencer.recording is not None else None
        self.settlement: NodeSettlement | None = None
        if settlement is not None:
            self.settlement = NodeSettlement(sequencer, self.chain, self.state, settlement)

    def interfaces(self, development: Development | None = None) -> Backend:
        """What JSON-RPC gets; with ``development`` operations where they are switched on."""
        return Backend(
            chain=self.chain,
            state=self.state,
            pool=self.pool,
            executor=self.executor,
            events=self.events,
            keccak=self.sequencer.keccak,
            client_version=client_version(),
            development=development,
            settlement=self.settlement,
            tracer=self.tracer,
        )


def client_version() -> str:
    """Answer to web3_clientVersion."""
    python = ".".join(platform.python_version_tuple()[:2])
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"jovay/v{__version__}/{platform.system().lower()}-{machine}/python{python}"
