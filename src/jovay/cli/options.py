"""Flags of commands that start a node: made from the fields of ``NodeConfig``, so that none is forgotten."""

from __future__ import annotations

import inspect
import itertools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from jovay.config import HELP, RPC_TABLE, ConfigError, NodeConfig, Settings, flag_of, load, variable_of

CONFIG_VARIABLE = "JOVAY_CONFIG"

#: The headings of ``--help``, and what stands under each: every field of ``NodeConfig``, once.
_PANELS = {
    "Chain": ("datadir", "genesis", "chain_id", "dev"),
    "JSON-RPC": (*"http_host http_port ws_port hosts origins namespaces debug_api".split(), RPC_TABLE),
    "Blocks": (
        "workers block_interval_ms heartbeat block_gas_limit block_transactions"
        " base_fee min_price fee_recipient"
    ).split(),
    "Pool": (
        "pool_transactions",
        "pool_per_sender",
        "pool_per_delegated",
        "pool_waiting",
        "pool_lifetime",
    ),
    "State and storage": (
        "history_blocks history_versions keep_blocks accounts slots code_mib trie_leaves checkpoint_interval sync"
    ).split(),
    "L1": ("l1", "l1_confirmations", "l1_beacon", "l1_archive", "l1_raw_data", "follow"),
    "Provers": ("backlog_blocks", "backlog_mib", "record_witnesses", "tracer_mib", "prover"),
    "Logs and metrics": ("metrics", "metrics_port", "log_level", "log_format"),
}

if sorted(itertools.chain(*_PANELS.values())) != sorted(NodeConfig.__struct_fields__):
    raise TypeError("every setting stands under one heading of the command line")


def _default_text(name: str) -> str:
    value = getattr(NodeConfig(), name)
    if value in (None, ()) or name == "datadir":
        return ""
    return f"; default {','.join(value) if isinstance(value, tuple) else value}"


def _option(name: str, panel: str) -> inspect.Parameter:
    kind: Any = str | None
    metavar: str | None
    declarations, metavar = [flag_of(name)], name.rpartition("_")[2].upper()
    text = f"{HELP[name]}{_default_text(name)} ({variable_of(name)})"
    if name == RPC_TABLE:
        kind, metavar = list[str] | None, "NAME=VALUE"
        text = f"{HELP[name]}, for instance body=1000000 ({variable_of(name)}_NAME)"
    elif isinstance(getattr(NodeConfig(), name), bool):
        kind, metavar = bool | None, None
        declarations = [f"{flag_of(name)}/--no-{flag_of(name)[2:]}"]
    option = typer.Option(
        *declarations, help=text, metavar=metavar, show_default=False, rich_help_panel=panel
    )
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, option]
    )


def with_node_options(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command all settings of a node as flags.

    ``function`` takes ``flags`` (what was given, by setting) and ``file`` beside its own parameters.
    """
    config = inspect.Parameter(
        "config",
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[
            Path | None,
            typer.Option("--config", help=f"TOML file with settings ({CONFIG_VARIABLE})", metavar="FILE"),
        ],
    )
    own = inspect.signature(function, eval_str=True).parameters.values()
    kept = [parameter for parameter in own if parameter.name not in ("flags", "file")]
    settings = [_option(name, panel) for panel, names in _PANELS.items() for name in names]
    names = [parameter.name for parameter in settings]

    def command(**given: Any) -> None:
        flags = {name: given.pop(name) for name in names}
        function(flags=flags, file=given.pop("config"), **given)

    command.__signature__ = inspect.Signature([*kept, config, *settings])  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in (*kept, config, *settings)}
    command.__name__, command.__doc__ = function.__name__, function.__doc__
    return command


def settings_of(
    flags: Mapping[str, Any], file: Path | None, defaults: Mapping[str, Any] | None = None
) -> Settings:
    """The effective settings of a command. Ends the program with status 2 and the reason if one is bad."""
    given = dict(flags)
    limits = given.pop(RPC_TABLE, None) or []
    path = file or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
    try:
        for item in limits:
            name, equals, value = item.partition("=")
            setting = f"{RPC_TABLE}.{name.replace('-', '_')}"
            if not equals or setting not in _limit_names():
                raise ConfigError(f"--rpc {item}", f"must be NAME=VALUE with a NAME of {_limit_list()}")
            given[setting] = value
        return load(given, file=path, defaults=defaults)
    except ConfigError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error


def _limit_names() -> list[str]:
    from jovay.config import setting_types

    return [name for name in setting_types() if name.startswith(RPC_TABLE + ".")]


def _limit_list() -> str:
    return ", ".join(name.removeprefix(RPC_TABLE + ".") for name in _limit_names())
