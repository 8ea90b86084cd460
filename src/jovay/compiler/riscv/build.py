"""Kernel entry → ELF: the whole way, cached by everything that decides the result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..cache import cache_directory, digest, source_digest, toolchain_version, write_atomically
from ..errors import KernelCompileError
from ..generate import Progress, generate
from ..native import is_plain
from .elf import write_elf
from .layout import MAX_ARGUMENTS, MemorySizes
from .linker import link, parse_object, select
from .start import START, start_object
from .target import canonical, compile_module, freestanding

_DIRECTORY = Path(__file__).parent


def build_elf(
    entry: Callable[..., Any], sizes: MemorySizes | None = None, progress: Progress | None = None
) -> bytes:
    """A static ``riscv64im`` executable that runs kernel function ``entry`` (convention: ``layout``).

    ``entry`` takes up to six 64-bit words and returns a 64-bit status. The bytes depend on the kernel's source, the
    tool chain and ``sizes`` alone. Raises ``KernelCompileError`` for an unfit entry or kernel code.
    """
    from ..frontend import reachable, signature_of

    sizes = sizes or MemorySizes()
    if not is_plain(entry) or len(signature_of(entry).arguments) > MAX_ARGUMENTS:
        symbol = entry.symbol  # type: ignore[attr-defined]
        raise KernelCompileError(f"{symbol}: an entry takes up to {MAX_ARGUMENTS} 64-bit words and returns one")
    texts = generate(reachable([entry]), progress)
    ordered = [canonical(texts[symbol]) for symbol in sorted(texts)]
    runtime = _runtime()
    symbol = entry.symbol  # type: ignore[attr-defined]
    key = digest(
        toolchain_version(), source_digest(_DIRECTORY), repr(sizes), symbol, *ordered, *runtime.values()
    )  # fmt: skip
    path = cache_directory() / "riscv" / f"{key}.elf"
    if not path.exists():
        kernel = parse_object(compile_module(ordered, {symbol}, list(runtime)))
        library = [parse_object(compile_module([text], {name}, list(runtime))) for name, text in runtime.items()]
        objects = select([start_object(symbol, sizes), kernel], library)
        write_atomically(path, write_elf(link(objects, START, sizes)))
    return path.read_bytes()


def _runtime() -> dict[str, str]:
    """IR of the run-time functions, one module each, under their C names."""
    from . import runtime

    functions = (runtime.memset, runtime.memcpy, runtime.memmove)
    texts = generate(functions)
    out = {}
    for function in functions:
        text = freestanding(canonical(texts[function.symbol]))  # type: ignore[attr-defined]
        for other in functions:
            text = text.replace(f'@"{other.symbol}"', f"@{other.__name__}")  # type: ignore[attr-defined]
        out[function.__name__] = text
    return out
