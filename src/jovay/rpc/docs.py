"""The reference of all methods, made from the method table: ``python -m jovay.rpc.docs > docs/rpc.md``."""

from __future__ import annotations

import sys
from itertools import groupby

import msgspec

import jovay.rpc.methods  # noqa: F401  (fills the method table)
from jovay.rpc.limits import Limits
from jovay.rpc.table import METHODS, Method

_HEAD = """\
# JSON-RPC

Requests go by HTTP POST to `/` or over a WebSocket, both on the same port; batches are answered in order.
Block parameters are tags (`latest`, `pending`, `safe`, `finalized`, `earliest`), numbers, hashes or EIP-1898
objects. `pending` is the newest state there is. `safe` is attested by the TEE on L1, `finalized` proven on
L1. Parameters in brackets may be left out.

Transactions can also go by POST to `/batch` with `application/octet-stream`: repeated length (4 bytes, big
endian) and signed transaction, answered by as many times status (1 byte: 1 accepted, 0 refused) and hash
(32 bytes). `GET /health` answers with the newest block, or with status 503, the reason and since when, if
blocks that are due do not come; `GET /metrics` with Prometheus metrics.

Requests whose `Host` is no address and none of the node's names (`localhost`, `--http-host`, `--hosts`) are
refused with status 403, over WebSockets too; so are web pages that `--origins` does not let in. Without that
option a node lets in pages of its own machine, a development chain all. Methods marked with `--debug-api` are
served with that option, on development chains, and where `--namespaces` names `debug` or `trace`.

Reads yield to transactions: what takes long takes turns, and rests while transactions come in. So a large batch, a
long trace or a wide range of logs is slower on a busy node, and no transaction is.

This page is made from the method table by `python -m jovay.rpc.docs`.
"""


def _signature(method: Method) -> str:
    shown = []
    for param in method.params:
        text = f"{param.name}: {param.kind.name}"
        shown.append(text if param.required else f"[{text}]")
    return f"`{method.name}({', '.join(shown)})`"


def _text(method: Method) -> str:
    summary = " ".join(method.doc.split()).replace("``", "`")
    mark = " (`--debug-api`)" if method.tracing else ""
    return f"- {_signature(method)}{mark} – {summary}"


def page() -> str:
    """The whole page, in Markdown."""
    parts = [_HEAD]
    methods = sorted(METHODS.values(), key=lambda item: (item.dev, item.name))
    for namespace, group in groupby(methods, key=lambda item: (item.dev, item.name.partition("_")[0])):
        note = " (development only)" if namespace[0] else ""
        parts.append(f"## {namespace[1]}{note}\n")
        parts.append("\n".join(_text(method) for method in group) + "\n")
    parts.append("## Limits\n\n| limit | default |\n|---|---|")
    parts.append("\n".join(f"| {field.name} | {field.default} |" for field in msgspec.structs.fields(Limits)))
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
