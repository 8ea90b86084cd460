"""A node: one data directory, one sequencer, one JSON-RPC server, started and stopped together."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gc
import ipaddress
import logging
import os
import resource
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack
from typing import Any

import msgspec
import uvloop

from jovay.backend.development.operations import Development
from jovay.backend.l1 import L1Settings, follow_l1
from jovay.backend.node_backend import NodeBackend
from jovay.backend.prover_view import ProverView
from jovay.bridge.l1.following import Following
from jovay.config import ConfigError, NodeConfig, flag_of
from jovay.kernel.trie.nodes import BRANCH_SIZE, LEAF_SIZE
from jovay.native import kernel
from jovay.rpc.backend import Backend
from jovay.rpc.connections import REFUSED
from jovay.rpc.server import NAMESPACES, RpcServer, ServerConfig
from jovay.sequencer.backpressure import Backlog
from jovay.sequencer.opening import OpenChain, open_chain
from jovay.sequencer.persistence.pruning import Pruner
from jovay.sequencer.sequencer import Sequencer
from jovay.sequencer.settings import SequencerSettings
from jovay.storage.datadir import DataDirectory
from jovay.storage.descriptors import SEGMENT_FILES
from jovay.storage.logs_index import LogsIndex
from jovay.storage.rocks import ROCKS_FILES
from jovay.turns import USUAL

from .chain.development import CHAIN_ID, development_genesis
from .chain.genesis import Genesis, read
from .chain.settled import FIXED
from .monitoring.metrics import Metrics
from .monitoring.statistics import Statistics
from .monitoring.stats import NodeStats
from .native.hashing import keccak256
from .sequencer.pool.limits import PoolLimits
from .sequencer.production.wait_limits import changes_of, needs_of
from .state.errors import ArenaFullError
from .state.tables import CHANGED, CODE_INDEX
from .state.world import MEGABYTE, READERS, NativeWorld
from .state.writes import StoredState

log = logging.getLogger("jovay.node")
_NEVER = 1e8
"""Seconds between heartbeats where there are none."""
MOST_LEAVES = (1 << 31) - 3
"""A reference in the trie has 31 bits."""
FILES = ROCKS_FILES + SEGMENT_FILES + REFUSED + 128
"""Open files that connections leave to the stores, hash indexes, libraries and threads, without which nothing could be
written, and to refused clients."""
LEAST_CONNECTIONS = 16
MOST_TRANSACTIONS = (1 << 16) - 1
"""Of a block whose context counts them in two bytes."""
COLLECTOR = 10_000, 10, 100
"""New containers between two rounds of the garbage collector, and rounds until older ones are looked at too."""


class Node:
    """``start`` returns when requests are served; ``stop`` may be called at any time, also after a failed start."""

    def __init__(self, config: NodeConfig, metrics: Metrics | None = None) -> None:
        self.config = config
        self.metrics = metrics or Metrics(process=False)
        self._running = ExitStack()
        self._server: RpcServer | None = None
        self.backend: Backend
        self.sequencer: Sequencer
        self.statistics: Statistics
        self.l1: Following | None = None

    # ---- life ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Open the data directory, bring the chain up, serve. On failure nothing is left running."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        config, running = self.config, self._running
        self._connections = most_connections(config.rpc.connections)
        library = kernel.load()
        tracer_bytes = config.tracer_mib * MEGABYTE
        data = running.enter_context(
            DataDirectory(config.datadir, sync=config.sync, tracer_bytes=tracer_bytes)
        )
        genesis = genesis_of(config)
        check_tables(config, config.block_gas_limit or genesis.gas_limit, genesis.settlement is not None)
        chain = open_chain(library, data, genesis, self._new_world, trie_leaves(config))

        def keccak(content: bytes) -> bytes:
            return keccak256(library, content)

        blocks = data.blocks
        index = LogsIndex(data.kv, blocks.blooms, blocks.oldest, blocks.latest, keccak)
        sequencer = self._new_sequencer(chain, data, index, genesis)
        self.sequencer = sequencer
        sequencer.persistence.recovered(chain.recovered)
        backend = NodeBackend(
            sequencer,
            index,
            blocks.hash_of(max(blocks.oldest, 0)),
            config.history_blocks,
            config.min_price,
            config.rpc.call_gas,
            self.metrics.refused,
            genesis.settlement,
        )
        self.statistics = Statistics(
            sequencer, self.metrics, config.datadir, backend.pool.seconds, backend.settlement
        )
        sequencer.start()
        running.callback(sequencer.stop)
        running.callback(backend.executor.close)
        self._settle(backend, genesis)
        development = Development(backend) if config.dev else None
        if development is not None:
            running.callback(development.close)
        self.backend = backend.interfaces(development)
        if config.keep_blocks:
            head = self.backend.chain.head if genesis.settlement is None else _final(sequencer)
            pruner = Pruner(data, sequencer.persistence, head, config.keep_blocks)
            running.callback(pruner.stop)
        self._serve()
        settle_interpreter()
        log.info("serving chain %d at %s", genesis.config.chain_id, self.http_url)
        log.info("open to %s", config.exposure)
        if config.dev and not _is_local(config.http_host):
            log.warning(
                "everybody who reaches %s may change this development chain at will", config.http_host
            )

    def _new_world(self, source: StoredState, version: int) -> NativeWorld:
        config = self.config
        return NativeWorld(
            kernel.load(),
            accounts=config.accounts,
            slots=config.slots,
            code_bytes=config.code_mib * MEGABYTE,
            history=config.history_versions,
            source=source,
            version=version,
        )

    def _new_sequencer(
        self, chain: OpenChain, data: DataDirectory, index: LogsIndex, genesis: Genesis
    ) -> Sequencer:
        config = self.config
        gas_limit = config.block_gas_limit or genesis.gas_limit
        settings = SequencerSettings(
            workers=config.worker_count,
            tick=config.block_interval_ms / 1000,
            heartbeat=config.heartbeat or _NEVER,
            gas_limit=gas_limit,
            base_fee=config.base_fee,
            max_transactions=config.block_transactions,
            checkpoint_seconds=config.checkpoint_interval,
            history_blocks=config.history_blocks,
            backlog=Backlog(config.backlog_blocks, config.backlog_mib * MEGABYTE)
            if genesis.settlement
            else None,
            record=config.record_witnesses,
            follow=config.follow,
        )
        recipient = config.fee_recipient_bytes or genesis.coinbase
        if any(recipient):
            settings = dataclasses.replace(settings, coinbase=int.from_bytes(recipient, "big"))
        limits = PoolLimits(
            transactions=config.pool_transactions,
            per_sender=config.pool_per_sender,
            per_delegated=config.pool_per_delegated,
            waiting=min(config.pool_waiting, config.pool_transactions // 2),
            lifetime=config.pool_lifetime,
            transaction_gas=gas_limit,
        )
        parts = kernel.load(), chain.world, chain.trie, data, index, chain.rules, chain.head
        try:
            return Sequencer(*parts, settings, limits)
        except ArenaFullError as error:
            raise ConfigError(flag_of("block_gas_limit"), str(error)) from error

    def _settle(self, backend: NodeBackend, genesis: Genesis) -> None:
        """Begin what a settled chain has with L1 and with provers."""
        config, running, settlement = self.config, self._running, genesis.settlement
        if settlement is None or backend.settlement is None:
            if config.l1 is not None:
                raise ConfigError(flag_of("l1"), "the genesis file names no contracts on L1")
            return
        running.callback(backend.settlement.close)
        backend.settlement.start()
        if config.prover is not None:
            view = ProverView(config.prover)
            running.callback(view.close)
            backend.settlement.see_provers(lambda: view.info)
        if config.l1 is None:
            return
        settings = L1Settings(
            config.l1,
            config.l1_beacon,
            config.l1_archive,
            config.l1_raw_data,
            config.l1_confirmations,
            config.follow,
        )
        self.l1 = follow_l1(backend, settlement, settings, config.datadir, running)

    def stop(self) -> None:
        """Finish what is running, store it, release everything. Twice is fine."""
        self._running.close()

    # ---- serving ---------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        """Run the server on an event loop of its own thread."""
        config = self.config
        expose = self.metrics.expose if config.metrics else None
        server_config = ServerConfig(
            host=config.http_host,
            http_port=config.http_port,
            ws_port=config.ws_port,
            metrics_port=config.metrics_port if config.metrics else None,
            hosts=config.hosts,
            origins=config.web_pages,
            namespaces=config.namespaces or NAMESPACES,
            tracing=config.serves_tracing,
            limits=msgspec.structs.replace(config.rpc, connections=self._connections),
        )
        server = RpcServer(self.backend, server_config, expose, self.metrics.rpc, self.sequencer.trouble)
        loop = uvloop.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="rpc", daemon=True)
        thread.start()

        def end() -> None:
            with contextlib.suppress(Exception):
                _wait(asyncio.run_coroutine_threadsafe(server.stop(), loop))
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

        self._running.callback(end)
        _wait(asyncio.run_coroutine_threadsafe(server.start(), loop))
        self._server = server

    @property
    def http_url(self) -> str:
        """Where JSON-RPC is served over HTTP."""
        assert self._server is not None, "the node is not started"
        return f"http://{_shown(self.config.http_host)}:{self._server.http_port}"

    @property
    def ws_url(self) -> str:
        """Where JSON-RPC is served over WebSocket."""
        assert self._server is not None, "the node is not started"
        port = self._server.http_port if self._server.ws_port is None else self._server.ws_port
        return f"ws://{_shown(self.config.http_host)}:{port}"

    @property
    def failure(self) -> str:
        """Why the node cannot go on; empty while it can."""
        error = self.sequencer.failure
        return "" if error is None else f"{type(error).__name__}: {error}"

    def stats(self) -> NodeStats:
        """What the node did and has."""
        return self.statistics.snapshot()


def check_settled(config: NodeConfig, genesis: Genesis) -> None:
    """What a settled chain's blocks are comes from its genesis; settings may say the same. Raises ``ConfigError``."""
    if genesis.settlement is None:
        return
    settled = genesis.settlement.config
    fee = settled.base_fee if settled.base_fee_rule == FIXED else None
    recipient = "0x" + settled.coinbase.to_bytes(20, "big").hex()
    for name, given, proven in (
        ("chain_id", config.chain_id, settled.chain_id),
        ("block_gas_limit", config.block_gas_limit, settled.gas_limit),
        ("base_fee", config.base_fee, fee),
        ("fee_recipient", config.fee_recipient and config.fee_recipient.lower(), recipient),
    ):
        if given not in (None, proven):
            stated = "what EIP-1559 gives" if proven is None else proven
            problem = (
                f"{given} contradicts the genesis of a settled chain, whose blocks are proven with {stated}"
            )
            raise ConfigError(flag_of(name), problem)
    if config.block_transactions > MOST_TRANSACTIONS:
        problem = f"blocks of a settled chain have at most {MOST_TRANSACTIONS} transactions"
        raise ConfigError(flag_of("block_transactions"), problem)


def check_tables(config: NodeConfig, gas_limit: int, records: bool = False) -> None:
    """One block must fit into the part of the tables that only blocks may fill. Raises ``ConfigError``."""
    accounts, slots, code, contracts = needs_of(gas_limit)
    recorded = (
        changes_of(gas_limit) if records or config.record_witnesses else 0
    )  # as they were before the block
    for table, name, have, need in (
        ("accounts", "accounts", config.accounts, accounts),
        ("slots", "slots", config.slots, slots),
        ("bytes of code", "code_mib", config.code_mib * MEGABYTE, code),
        ("contracts", "block_gas_limit", CODE_INDEX // 2, contracts),
        ("changes", "block_gas_limit", CHANGED, changes_of(gas_limit)),
        ("older values", "history_versions", config.history_versions, recorded),
    ):
        least = int(need / (1 - READERS))
        if have < least:
            problem = f"{have} {table} are too few for blocks of {gas_limit} gas: at least {least} are needed"
            raise ConfigError(flag_of(name), problem)


def trie_leaves(config: NodeConfig) -> int:
    """Leaves that the state trie has room for."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(config.trie_leaves or memory // 2 // (BRANCH_SIZE + LEAF_SIZE), MOST_LEAVES)


def settle_interpreter() -> None:
    """For a process that now serves: what is there stays, and threads hand over the interpreter soon.

    Between two calls of the kernel a stage needs the interpreter for microseconds; it must not wait 5 ms for it, nor
    for the collector to go through all objects that a large answer is made of, again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR)
    sys.setswitchinterval(USUAL)


def most_connections(wanted: int) -> int:
    """``wanted``, or as many as there may be open files for; takes all of them that the system grants.

    Raises ``ConfigError`` where hardly any would be left.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    room = hard - FILES
    if hard == resource.RLIM_INFINITY or wanted <= room:
        return wanted
    if room < LEAST_CONNECTIONS:
        need = FILES + LEAST_CONNECTIONS
        raise ConfigError("ulimit -n", f"{hard} open files are too few: at least {need} are needed")
    values = {"connections": room, "wanted": wanted, "open_files": hard}
    log.warning("fewer connections than --rpc connections says, since files are limited", extra=values)
    return room


def genesis_of(config: NodeConfig) -> Genesis:
    """The genesis file's, or the development genesis; with the chain id of the settings if they have one."""
    if config.genesis is None:
        return development_genesis(config.chain_id or CHAIN_ID)
    genesis = read(config.genesis)
    check_settled(config, genesis)
    if config.chain_id is None:
        return genesis
    return dataclasses.replace(genesis, config=dataclasses.replace(genesis.config, chain_id=config.chain_id))


def _final(sequencer: Sequencer) -> Callable[[], int]:
    return lambda: sequencer.finality.finalized


def _wait(future: Future[Any]) -> Any:
    return future.result(60)


def _is_local(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _shown(host: str) -> str:
    """A host as it stands in a URL that this machine can open."""
    if host in ("0.0.0.0", "::", ""):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
