"""Kernel entry → ELF: the whole way, cached by everything that decides the result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jovay.kernel.riscv import runtime

from .. import native
from ..cache import cache_directory, digest, source_digest, toolchain_version, write_atomically
from ..errors import KernelCompileError
from ..generate import Progress, generate
from .elf import write_elf
from .layout import MAX_ARGUMENTS, MemorySizes
from .linker import link, parse_object, select
from .start import START, start_object
from .target import canonical, compile_module, freestanding

KernelFunction = Callable[..., Any]

#: What compiled code may call without the kernel's asking for it.
RUNTIME: tuple[KernelFunction, ...] = (runtime.memset, runtime.memcpy, runtime.memmove)


def build_elf(
    entry: KernelFunction, sizes: MemorySizes | None = None, progress: Progress | None = None
) -> bytes:
    """A static ``riscv64im`` executable that runs kernel function ``entry`` (convention: ``layout``).

    ``entry`` takes up to six 64-bit words and returns a 64-bit status. The bytes depend on the kernel's
    source, the tool chain and ``sizes`` alone. ``progress`` is told of every function that had to be lowered.
    Raises ``KernelCompileError`` for an unfit entry or kernel code.
    """
    sizes = sizes or MemorySizes()
    texts = [canonical(text) for text in _kernel_texts(entry, progress)]
    library = _runtime_texts()
    tools = digest(source_digest(Path(__file__).parent), Path(native.__file__).read_bytes())
    key = digest(toolchain_version(), tools, repr(sizes), _symbol(entry), *texts, *library.values())
    path = cache_directory() / "riscv" / f"{key}.elf"
    if not path.exists():
        write_atomically(path, _build(_symbol(entry), texts, library, sizes))
    return path.read_bytes()


def _symbol(function: KernelFunction) -> str:
    symbol: str = function.symbol  # type: ignore[attr-defined]
    return symbol


def _kernel_texts(entry: KernelFunction, progress: Progress | None) -> list[str]:
    """IR of ``entry`` and all it calls, by symbol."""
    from ..frontend import reachable, signature_of

    fits = native.is_plain(entry) and len(signature_of(entry).arguments) <= MAX_ARGUMENTS
    if not fits or entry.__annotations__.get("return") is None:
        raise KernelCompileError(
            f"{_symbol(entry)}: an entry takes up to {MAX_ARGUMENTS} 64-bit words and returns one"
        )
    texts = generate(reachable([entry]), progress)
    return [texts[symbol] for symbol in sorted(texts)]


def _runtime_texts() -> dict[str, str]:
    """IR of the run-time functions, one module each, under their C names."""
    texts = generate(RUNTIME)
    out = {}
    for function in RUNTIME:
        text = freestanding(canonical(texts[_symbol(function)]))
        for other in RUNTIME:
            text = text.replace(f'@"{_symbol(other)}"', f"@{other.__name__}")
        out[function.__name__] = text
    return out


def _build(entry: str, texts: list[str], library: dict[str, str], sizes: MemorySizes) -> bytes:
    kernel = parse_object(compile_module(texts, {entry}, library))
    runtime_objects = [
        parse_object(compile_module([text], {name}, library)) for name, text in library.items()
    ]
    objects = select([start_object(entry, sizes), kernel], runtime_objects)
    return write_elf(link(objects, START, sizes))
