"""Tracers by name, and the options of the tracing methods."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

from jovay.rpc.limits import Limits
from jovay.rpc.tracers.base import Place, Tracer, flag
from jovay.rpc.tracers.frames import CallTracer, FlatCallTracer, FourByteTracer
from jovay.rpc.tracers.state import PrestateTracer
from jovay.rpc.tracers.steps import StructLogger
from jovay.simulation.requests import CallResult, TraceOptions, TraceParts

_MOST_TRACERS = 16


class NoopTracer:
    """Nothing."""

    parts = TraceParts.NONE

    def __init__(self, config: dict[str, Any]) -> None:
        """No options."""

    def form(self, result: CallResult, place: Place) -> dict[str, Any]:
        """An empty object."""
        return {}


class MuxTracer:
    """Several tracers over one execution."""

    def __init__(self, config: dict[str, Any]) -> None:
        if len(config) > _MOST_TRACERS:
            raise ValueError(f"more than {_MOST_TRACERS} tracers")
        self.tracers = {name: make_tracer(name, options) for name, options in config.items()}
        self.parts = TraceParts.NONE
        for tracer in self.tracers.values():
            self.parts |= tracer.parts

    def form(self, result: CallResult, place: Place) -> dict[str, Any]:
        """Results by tracer name."""
        return {name: tracer.form(result, place) for name, tracer in self.tracers.items()}


TRACERS: dict[str, Callable[[dict[str, Any]], Tracer]] = {
    "callTracer": CallTracer,
    "prestateTracer": PrestateTracer,
    "4byteTracer": FourByteTracer,
    "flatCallTracer": FlatCallTracer,
    "muxTracer": MuxTracer,
    "noopTracer": NoopTracer,
}


def make_tracer(name: str, config: Any) -> Tracer:
    """A tracer by name; raises ``ValueError`` for unknown names and bad options."""
    made = TRACERS.get(name)
    if made is None:
        raise ValueError(f"tracer not found: {name[:64]}")
    if config is not None and not isinstance(config, dict):
        raise ValueError("tracerConfig must be an object")
    if made is MuxTracer and isinstance(config, dict) and "muxTracer" in config:
        raise ValueError("muxTracer inside muxTracer")
    return made(config or {})


class TraceConfig(msgspec.Struct, frozen=True):
    """A tracer with what to record for it and for how long to run, in seconds."""

    tracer: Tracer
    options: TraceOptions
    time_limit: float


_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_duration(text: Any) -> float:
    """Seconds of a Go duration such as ``1m30s``."""
    if not isinstance(text, str) or not text or _DURATION.sub("", text[:64]):
        raise ValueError(f'time: invalid duration "{str(text)[:64]}"')
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text[:64]))


def parse_config(config: dict[str, Any], limits: Limits) -> TraceConfig:
    """The ``config`` parameter of a tracing method; raises ``ValueError``."""
    name = config.get("tracer")
    if name is None or name == "":
        tracer: Tracer = StructLogger(config)
    elif isinstance(name, str):
        tracer = make_tracer(name, config.get("tracerConfig"))
    else:
        raise ValueError("tracer must be a name")
    timeout = config.get("timeout")
    seconds = limits.trace_time if timeout is None else parse_duration(timeout)
    wanted = config.get("limit", 0)
    steps = wanted if isinstance(wanted, int) and 0 < wanted < limits.trace_steps else limits.trace_steps
    options = TraceOptions(
        parts=tracer.parts,
        stack=not flag(config, "disableStack"),
        memory=flag(config, "enableMemory"),
        return_data=flag(config, "enableReturnData"),
        max_steps=steps,
        max_bytes=limits.trace_bytes,
    )
    return TraceConfig(tracer, options, min(seconds, limits.trace_time_max))
