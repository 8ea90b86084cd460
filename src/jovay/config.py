"""Settings of a node: one typed value, read from flags, environment, a TOML file and defaults, in that order.

The TOML file has the fields of ``NodeConfig`` as top-level keys (``http_port`` or ``http-port``) and a table
``[rpc]`` with the fields of ``jovay.rpc.limits.Limits``. Environment variables are ``JOVAY_`` and the name in
capitals: ``JOVAY_HTTP_PORT``, ``JOVAY_RPC_BODY``.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, get_type_hints

import msgspec

from jovay.rpc.limits import Limits
from jovay.sequencer.pool.limits import PoolLimits
from jovay.sequencer.settings import SequencerSettings

Port: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Positive: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=1 << 62)]
Natural: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1 << 62)]
GasLimit: TypeAlias = Annotated[int, msgspec.Meta(ge=5_000, le=(1 << 63) - 1)]
Records: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=1 << 34)]
Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
AddressText: TypeAlias = Annotated[str, msgspec.Meta(pattern="^0x[0-9a-fA-F]{40}$")]
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]
LogFormat: TypeAlias = Literal["text", "json"]

ENVIRONMENT_PREFIX = "JOVAY_"
RPC_TABLE = "rpc"
_SEQUENCER, _POOL = SequencerSettings(), PoolLimits()


def default_datadir() -> Path:
    """``$XDG_DATA_HOME/jovay/chain``, else ``~/.local/share/jovay/chain``."""
    home = os.environ.get("XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "jovay" / "chain"


class NodeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a node is started with. Times in seconds unless the name says otherwise, prices in wei.

    ``HELP`` says what each field means.
    """

    datadir: Path = msgspec.field(default_factory=default_datadir)
    genesis: Path | None = None
    chain_id: Positive | None = None
    dev: bool = False
    http_host: str = "127.0.0.1"
    http_port: Port = 8545
    ws_port: Port | None = None
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] | None = None
    namespaces: tuple[str, ...] | None = None
    debug_api: bool = False
    workers: Annotated[int, msgspec.Meta(ge=0, le=1_024)] = 0
    block_interval_ms: Annotated[int, msgspec.Meta(ge=1, le=60_000)] = round(_SEQUENCER.tick * 1000)
    heartbeat: Seconds = _SEQUENCER.heartbeat
    block_gas_limit: GasLimit | None = None
    block_transactions: Annotated[int, msgspec.Meta(ge=1, le=1 << 20)] = _SEQUENCER.max_transactions
    base_fee: Natural | None = _SEQUENCER.base_fee
    min_price: Natural = 0
    fee_recipient: AddressText | None = None
    pool_transactions: Positive = _POOL.transactions
    pool_per_sender: Positive = _POOL.per_sender
    pool_per_delegated: Positive = _POOL.per_delegated
    pool_waiting: Natural = _POOL.waiting
    pool_lifetime: Seconds = _POOL.lifetime
    history_blocks: Natural = _SEQUENCER.history_blocks
    history_versions: Annotated[int, msgspec.Meta(ge=0, le=1 << 34)] = 2_000_000
    keep_blocks: Natural = 0
    l1: str | None = None
    l1_confirmations: Natural | None = None
    l1_beacon: str | None = None
    l1_archive: str | None = None
    l1_raw_data: str | None = None
    follow: bool = False
    backlog_blocks: Positive = 1_000_000
    backlog_mib: Positive = 1_024
    record_witnesses: bool = _SEQUENCER.record
    tracer_mib: Positive = 4_096
    prover: str | None = None
    accounts: Records = 4_000_000
    slots: Records = 16_000_000
    code_mib: Annotated[int, msgspec.Meta(ge=1, le=1 << 24)] = 512
    trie_leaves: Natural = 0
    checkpoint_interval: Seconds = _SEQUENCER.checkpoint_seconds
    sync: bool = True
    metrics: bool = True
    metrics_port: Port | None = None
    log_level: LogLevel = "info"
    log_format: LogFormat = "text"
    rpc: Limits = Limits()

    @property
    def worker_count(self) -> int:
        """Threads that execute; ``workers`` 0 means one for each CPU that this process may use."""
        return self.workers or len(os.sched_getaffinity(0))

    @property
    def web_pages(self) -> tuple[str, ...]:
        """``origins``, or what stands for them where none are set."""
        return self.origins if self.origins is not None else (("*",) if self.dev else ("local",))

    @property
    def exposure(self) -> str:
        """Who may use the node through a browser, and whether methods for operators are there; for people."""
        names = {"*": "everybody", "local": "this machine"}
        pages = ", ".join(names.get(page, page) for page in self.web_pages) or "nobody"
        tracing = (
            "with debug_* and trace_*" if self.serves_tracing else "without debug_* and trace_* (--debug-api)"
        )
        return f"web pages of {pages} (--origins), {tracing}"

    @property
    def serves_tracing(self) -> bool:
        """Whether methods are served that only an operator should have who asked for them."""
        return self.dev or self.debug_api or not {"debug", "trace"}.isdisjoint(self.namespaces or ())

    @property
    def fee_recipient_bytes(self) -> bytes | None:
        """The 20 bytes of ``fee_recipient``."""
        return bytes.fromhex(self.fee_recipient[2:]) if self.fee_recipient else None


HELP: dict[str, str] = {
    "datadir": "folder of the chain's data; made if it does not exist",
    "genesis": "genesis file in geth's form; without it the development genesis",
    "chain_id": "chain id in place of the genesis file's",
    "dev": "development methods (anvil_*, evm_*, hardhat_*) and the well-known funded accounts",
    "http_host": "address to listen on",
    "http_port": "port of JSON-RPC over HTTP and WebSocket; 0 takes any free one",
    "ws_port": "a second port, for WebSockets",
    "hosts": "names under which this node is reached, beside localhost, separated by commas; * lets in all",
    "origins": "web pages that may ask, separated by commas: local for those of this machine (the default), * for all"
    " (with --dev the default)",
    "namespaces": "prefixes of the methods that are served, separated by commas",
    "debug_api": "debug_*, trace_* and those of ots_* that execute blocks again; with --dev they are always served",
    "workers": "threads that execute transactions; 0 takes one for each CPU",
    "block_interval_ms": "milliseconds between blocks while there are transactions",
    "heartbeat": "seconds after which an empty block is made, on a settled chain 60 at least; 0 makes none",
    "block_gas_limit": "gas limit of blocks in place of the genesis file's",
    "block_transactions": "most transactions of a block",
    "base_fee": "a fixed base fee per gas, in wei; without it EIP-1559 decides",
    "min_price": "least priority fee per gas that the pool takes, in wei",
    "fee_recipient": "address that gets all fees, base fee and L1 data fee included; without it the genesis file's"
    " coinbase",
    "pool_transactions": "most transactions in the pool",
    "pool_per_sender": "most transactions of one sender in the pool",
    "pool_per_delegated": "the same of an account that runs code (EIP-7702)",
    "pool_waiting": "most transactions in the pool that wait for an earlier nonce or for money",
    "pool_lifetime": "seconds after which such a transaction leaves",
    "history_blocks": "recent blocks whose state can be asked for; fewer while the chain is busy",
    "history_versions": "older values of accounts and slots kept in memory for that",
    "keep_blocks": "recent blocks kept on disk at least, older ones go file by file; 0 keeps all",
    "l1": "JSON-RPC of the L1 that the genesis file's chain settles on",
    "l1_confirmations": "blocks of L1 that follow one before it counts; without it those count that L1 calls final, or"
    " all of a development L1",
    "l1_beacon": "beacon API of L1, where batches' blobs are read; a development L1 is asked itself",
    "l1_archive": "archive of blobs with Blobscan's interface, for those that the beacon API has no more",
    "l1_raw_data": "a relayer's or another node's raw data of batches, likewise",
    "follow": "make no blocks, and derive the chain from what is on L1",
    "backlog_blocks": "blocks of a settled chain that may wait to be attested on L1: from four fifths on they come"
    " more slowly, and at this number none come",
    "backlog_mib": "the same in MiB of what is published of them",
    "record_witnesses": "keep what provers need of each block: what it touched, and the proof of that; settled chains"
    " always do",
    "tracer_mib": "MiB of it kept on disk; the oldest goes, on a settled chain not before it is attested",
    "prover": "URL of the prover controller, whom jovay_proverInfo asks",
    "accounts": "accounts kept in memory; those not used for long make room for others",
    "slots": "storage slots kept in memory, likewise",
    "code_mib": "MiB of contract code kept in memory, likewise",
    "trie_leaves": "most leaves of the state trie, 160 bytes each; 0 takes what half of the memory holds",
    "checkpoint_interval": "seconds between checkpoints of state and trie",
    "sync": "wait for the disk before a block's receipts are shown",
    "metrics": "serve Prometheus metrics at /metrics",
    "metrics_port": "serve metrics on a port of their own",
    "log_level": "least level of log lines: debug, info, warning, error",
    "log_format": "form of log lines: text (key=value) or json",
    "rpc": "limits of JSON-RPC",
}


class ConfigError(ValueError):
    """A bad setting. ``source`` says where it stands: a flag, a variable, or a file with its key."""

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(f"{source}: {problem}")
        self.source, self.problem = source, problem


class Settings(msgspec.Struct, frozen=True):
    """A configuration, and by name of a setting (``http_port``, ``rpc.body``) where its value is from."""

    config: NodeConfig
    sources: Mapping[str, str]


def setting_types() -> dict[str, Any]:
    """Types of all settings by name; limits of JSON-RPC stand under ``rpc.``."""
    types = get_type_hints(NodeConfig, include_extras=True)
    del types[RPC_TABLE]
    limits = get_type_hints(Limits, include_extras=True)
    return types | {f"{RPC_TABLE}.{name}": kind for name, kind in limits.items()}


def variable_of(name: str) -> str:
    """Environment variable of a setting."""
    return ENVIRONMENT_PREFIX + name.replace(".", "_").upper()


def flag_of(name: str) -> str:
    """Command line flag of a setting; those of JSON-RPC's limits have the limit as their value."""
    return "--" + name.replace(".", " ").replace("_", "-")


def load(
    flags: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    file: Path | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Settings:
    """The effective settings. Raises ``ConfigError`` that names the source of a bad value.

    ``flags`` by setting name, None for those not given; ``environment`` defaults to the process's;
    ``defaults`` replace those of ``NodeConfig``.
    """
    types = setting_types()
    values: dict[str, Any] = dict(defaults or {})
    sources = dict.fromkeys(types, "default")
    given: list[tuple[str, str, Any, bool]] = []
    if file is not None:
        given += [(name, f"{file}: {key}", value, False) for name, key, value in _file_values(file, types)]
    variables = os.environ if environment is None else environment
    _check_variables(variables, types)
    for name in types:
        if (text := variables.get(variable_of(name), "")) != "":
            given.append((name, variable_of(name), text, True))
    for name, value in (flags or {}).items():
        if value is not None:
            given.append((name, flag_of(name), value, isinstance(value, str)))
    for name, source, value, is_text in given:
        values[name] = _convert(types[name], value, source, is_text)
        sources[name] = source
    if values.get("namespaces") is not None:
        _check_namespaces(values["namespaces"], sources["namespaces"])
    return Settings(_assemble(values), sources)


def _check_variables(variables: Mapping[str, str], types: Mapping[str, Any]) -> None:
    """Refuse a variable that looks like a misspelt setting; others may be another program's."""
    known = list(map(variable_of, types))
    for name in variables:
        if name.startswith(ENVIRONMENT_PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, 1, 0.9)
            if near:
                raise ConfigError(name, f"is no setting; did you mean {near[0]}?")


def _file_values(file: Path, types: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
    """(setting, key as written, value) of a TOML file."""
    try:
        document = tomllib.loads(file.read_text())
    except OSError as error:
        raise ConfigError(str(file), f"cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ConfigError(str(file), f"is no TOML ({error})") from error
    entries = [(key, value) for key, value in document.items() if key != RPC_TABLE]
    table = document.get(RPC_TABLE, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{file}: {RPC_TABLE}", "must be a table")
    entries += [(f"{RPC_TABLE}.{key}", value) for key, value in table.items()]
    found = []
    for key, value in entries:
        name = key.replace("-", "_")
        if name not in types:
            near = difflib.get_close_matches(name, types, 1)
            raise ConfigError(
                f"{file}: {key}", "is no setting" + (f"; did you mean {near[0]}?" if near else "")
            )
        found.append((name, key, value))
    return found


def _convert(kind: Any, value: Any, source: str, is_text: bool) -> Any:
    """A value as its setting's type; texts of flags and variables may stand for numbers and lists."""
    if is_text:
        if "tuple" in str(kind):
            value = [part.strip() for part in value.split(",") if part.strip()]
        elif "int" in str(kind) and isinstance(value, str):
            value = _integer_text(value)
    try:
        return msgspec.convert(value, kind, strict=not is_text, dec_hook=_path)
    except msgspec.ValidationError as error:
        raise ConfigError(source, f"{value!r} will not do: {error}") from error


def _check_namespaces(names: tuple[str, ...], source: str) -> None:
    from jovay.rpc.server import (
        DEV_NAMESPACES,
        NAMESPACES,
    )  # a server's modules load only where this is asked

    known = (*NAMESPACES, *DEV_NAMESPACES)
    for name in names:
        if name not in known:
            raise ConfigError(source, f"no methods begin with {name!r}; there are {', '.join(known)}")


def _integer_text(text: str) -> str:
    """Decimal digits of 0x… and of 1_000_000; any other text as it is."""
    try:
        return str(int(text, 0))
    except ValueError:
        return text


def _path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str) and value:
        return Path(value).expanduser()
    raise NotImplementedError(f"{kind.__name__} from {value!r}")


def _assemble(values: Mapping[str, Any]) -> NodeConfig:
    prefix = RPC_TABLE + "."
    limits = {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
    plain = {name: value for name, value in values.items() if not name.startswith(prefix)}
    return NodeConfig(**plain, rpc=Limits(**limits))


def to_toml(settings: Settings) -> str:
    """The effective settings as a TOML file, each with its source; what has no value stands as a comment."""
    lines: list[str] = []
    width = max(map(len, settings.sources)) + 20
    in_table = False
    for name, source in settings.sources.items():
        holder: Any = settings.config
        if name.startswith(RPC_TABLE + "."):
            holder = settings.config.rpc
            if not in_table:
                lines += ["", f"[{RPC_TABLE}]"]
                in_table = True
        key = name.rpartition(".")[2]
        value = getattr(holder, key)
        text = f"# {key} =" if value is None else f"{key} = {_toml_value(value)}"
        lines.append(f"{text:<{width}}  # {source}")
    return "\n".join(lines) + "\n"


def _toml_value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (tuple, list)):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    if isinstance(value, (int, float)):
        return repr(value)
    # TOML's basic strings escape as JSON's do.
    return msgspec.json.encode(str(value)).decode()
