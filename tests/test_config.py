"""Settings: who wins, how texts are read, and errors that name the source."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from jovay.cli.options import settings_of, with_node_options
from jovay.config import HELP, ConfigError, NodeConfig, flag_of, load, setting_types, to_toml


@pytest.fixture
def file(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "jovay.toml"
        path.write_text(text)
        return path

    return write


def test_flags_beat_environment_beats_file_beats_defaults(file) -> None:
    path = file("http_port = 1\nws-port = 2\nworkers = 3\nheartbeat = 4\n[rpc]\nbody = 5\nbatch = 6\n")
    environment = {"JOVAY_HTTP_PORT": "10", "JOVAY_WS_PORT": "20", "JOVAY_RPC_BODY": "50"}
    settings = load({"http_port": "100", "workers": None}, environment, path, {"heartbeat": 9.0, "dev": True})
    config = settings.config
    assert (config.http_port, config.ws_port, config.workers, config.heartbeat) == (100, 20, 3, 4.0)
    assert (config.rpc.body, config.rpc.batch, config.dev) == (50, 6, True)
    assert settings.sources["http_port"] == "--http-port"
    assert settings.sources["ws_port"] == "JOVAY_WS_PORT"
    assert settings.sources["workers"] == f"{path}: workers"
    assert settings.sources["rpc.batch"] == f"{path}: rpc.batch"
    assert settings.sources["sync"] == "default"


def test_texts_become_values() -> None:
    config = load(
        {
            "datadir": "~/chain",
            "http_port": "0x10",
            "pool_transactions": "1_000",
            "heartbeat": "0.25",
            "sync": "false",
            "origins": "https://a.example, https://b.example",
            "fee_recipient": "0x" + "Ab" * 20,
        },
        {},
    ).config
    assert config.datadir == Path.home() / "chain"
    assert (config.http_port, config.pool_transactions, config.heartbeat) == (16, 1000, 0.25)
    assert config.sync is False
    assert config.origins == ("https://a.example", "https://b.example")
    assert config.fee_recipient_bytes == b"\xab" * 20


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("http_port", "65536", "<= 65535"),
        ("http_port", "-1", ">= 0"),
        ("http_port", "web", "int"),
        ("chain_id", "0", ">= 1"),
        ("sync", "maybe", "bool"),
        ("fee_recipient", "0x12", "regex"),
        ("log_level", "loud", "enum"),
        ("heartbeat", "nan", ">= 0"),
        ("block_interval_ms", "0", ">= 1"),
        ("block_gas_limit", "4999", ">= 5000"),
        ("accounts", "4611686018427387904", "<= 17179869184"),
        ("code_mib", "16777217", "<= 16777216"),
        ("workers", "1025", "<= 1024"),
        ("namespaces", "eth,eht", "no methods begin with 'eht'; there are debug"),
    ],
)
def test_bad_values_name_flag_or_variable(name: str, text: str, part: str) -> None:
    flag, variable = "--" + name.replace("_", "-"), "JOVAY_" + name.upper()
    with pytest.raises(ConfigError, match=f"^{flag}: .*{part}") as caught:
        load({name: text}, {})
    assert caught.value.source == flag
    with pytest.raises(ConfigError, match=f"^{variable}: .*{part}"):
        load({}, {variable: text})


@pytest.mark.parametrize(
    ("given", "pages", "tracing"),
    [
        ({}, ("local",), False),
        ({"dev": "true"}, ("*",), True),
        ({"dev": "true", "origins": "local"}, ("local",), True),
        ({"origins": "*"}, ("*",), False),
        ({"origins": ""}, (), False),
        ({"debug_api": "true"}, ("local",), True),
        ({"namespaces": "eth,trace"}, ("local",), True),
        ({"namespaces": "eth,ots"}, ("local",), False),
    ],
)
def test_what_a_node_opens(given: dict[str, str], pages: tuple[str, ...], tracing: bool) -> None:
    config = load(given, {}).config
    assert (config.web_pages, config.serves_tracing) == (pages, tracing)


def test_a_misspelt_variable_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^JOVAY_HTTP_PROT: is no setting; did you mean JOVAY_HTTP_PORT\?"):
        load({}, {"JOVAY_HTTP_PROT": "1"})
    others = dict.fromkeys(("JOVAY_CACHE", "JOVAY_CONFIG", "JOVAY_FIXTURES", "JOVAY_HOME", "HTTP_PORT"), "1")
    assert load({}, others).config == load({}, {}).config


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("body", "-1", ">= 1"),
        ("workers", "0", ">= 1"),
        ("request_time", "nan", ">= 0.001"),
        ("body", "x", "int"),
    ],
)
def test_bad_limits_of_json_rpc_are_refused(name: str, text: str, part: str) -> None:
    flag = f"--rpc {name.replace('_', '-')}"
    with pytest.raises(ConfigError, match=f"^{flag}: .*{part}"):
        load({f"rpc.{name}": text}, {})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("http_prot = 1", "http_prot: is no setting; did you mean http_port"),
        ('http_port = "1"', "http_port: '1' will not do"),
        ("[rpc]\nbody = 1.5", "rpc.body: 1.5 will not do"),
        ("rpc = 1", "rpc: must be a table"),
        ("http_port = ", "is no TOML"),
        ("[chain]\nid = 1", "chain: is no setting"),
    ],
)
def test_bad_files_name_file_and_key(file, text: str, message: str) -> None:
    path = file(text)
    with pytest.raises(ConfigError, match=message) as caught:
        load({}, {}, path)
    assert caught.value.source.startswith(str(path))


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load({}, {}, tmp_path / "none.toml")


def test_an_empty_variable_is_as_good_as_none() -> None:
    assert load({}, {"JOVAY_HTTP_PORT": ""}).config == load({}, {}).config


def test_what_is_printed_is_read_back(file) -> None:
    settings = load({"chain_id": "7", "origins": "a,b", "datadir": '/x/"y"'}, {"JOVAY_RPC_BODY": "77"})
    text = to_toml(settings)
    again = load({}, {}, file(text))
    assert again.config == settings.config
    assert "# genesis =" in text
    assert tomllib.loads(text)["rpc"]["body"] == 77
    assert any(
        line.startswith("chain_id = 7") and line.endswith("# --chain-id") for line in text.splitlines()
    )


def test_every_setting_is_explained() -> None:
    plain = {name for name in setting_types() if "." not in name}
    assert set(HELP) == plain | {"rpc"}
    assert set(NodeConfig.__struct_fields__) == set(HELP)


def test_every_setting_is_a_flag_of_commands() -> None:
    """Typer is what parses them: a command with the settings of a node gets what its flags say."""
    seen: list[NodeConfig] = []

    def show(flags: dict[str, Any], file: Path | None) -> None:
        """Keeps the configuration."""
        seen.append(settings_of(flags, file).config)

    app = typer.Typer()
    app.command()(with_node_options(show))
    arguments = ["--record-witnesses", "--tracer-mib", "7", "--no-sync", "--http-port", "0"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert (seen[0].record_witnesses, seen[0].tracer_mib, seen[0].sync, seen[0].http_port) == (
        True,
        7,
        False,
        0,
    )
    text = CliRunner().invoke(app, ["--help"], terminal_width=200).output
    for name in NodeConfig.__struct_fields__:
        assert flag_of(name) in text


def test_workers_default_to_the_cpus() -> None:
    assert load({}, {}).config.worker_count >= 1
    assert load({"workers": "3"}, {}).config.worker_count == 3
