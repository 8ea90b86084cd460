"""geth's tracers: forms of the raw events of an executed transaction."""

from __future__ import annotations

from jovay.rpc.tracers.base import Place, Tracer
from jovay.rpc.tracers.registry import TraceConfig, parse_config

__all__ = ["Place", "TraceConfig", "Tracer", "parse_config"]
