"""Kernel entry → ELF: the whole way, cached by everything that decides the result."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from jovay.kernel.lang import KernelFunction
from jovay.kernel.riscv import runtime

from .. import native
from ..cache import (
    COMPILER_DIRECTORY,
    KERNEL_DIRECTORY,
    cache_directory,
    digest,
    source_digest,
    toolchain_version,
    write_atomically,
)
from ..errors import KernelCompileError
from ..generate import Progress, generate
from .accelerated import ECALL, kernel_texts, put_calls
from .elf import write_elf
from .layout import MAX_ARGUMENTS, MemorySizes
from .linker import functions_of, link, parse_object, select
from .start import START, start_object
from .target import canonical, compile_module, freestanding

#: What compiled code may call without the kernel's asking for it.
RUNTIME: tuple[KernelFunction, ...] = (runtime.memset, runtime.memcpy, runtime.memmove)


def build_elf(
    entry: KernelFunction,
    sizes: MemorySizes | None = None,
    progress: Progress | None = None,
    accelerators: Collection[str] = (),
) -> bytes:
    """A static ``riscv64im`` executable that runs kernel function ``entry`` (convention: ``layout``).

    ``entry`` takes up to six 64-bit words and returns a 64-bit status. The bytes depend on the kernel's
    source, the tool chain, ``sizes`` and ``accelerators`` alone: of ``kernel.accelerated.ACCELERATORS``, whose
    system calls take the place of code. ``progress`` is told of functions being lowered, then of
    LLVM's work with a total of 0. Raises ``KernelCompileError`` for an unfit entry or kernel code.
    """
    sizes = sizes or MemorySizes()
    if not entry.__module__.startswith("jovay.kernel."):
        return _build(entry, sizes, progress, accelerators)
    # An entry of the kernel depends on the sources of kernel and compiler only: no need to look at any IR.
    sources = source_digest(KERNEL_DIRECTORY, COMPILER_DIRECTORY)
    path = (
        cache_directory()
        / "riscv"
        / f"{digest(sources, repr(sizes), entry.symbol, *sorted(set(accelerators)))}.elf"
    )
    if not path.exists():
        write_atomically(path, _build(entry, sizes, progress, accelerators))
    return path.read_bytes()


def _build(
    entry: KernelFunction, sizes: MemorySizes, progress: Progress | None, accelerators: Collection[str]
) -> bytes:
    """The program, from the cache if the same IR was compiled with the same tools."""
    texts = [canonical(text) for text in _kernel_texts(entry, accelerators, progress)]
    library = _runtime_texts()
    tools = digest(source_digest(Path(__file__).parent), Path(native.__file__).read_bytes())
    key = digest(toolchain_version(), tools, repr(sizes), entry.symbol, *texts, *library.values())
    path = cache_directory() / "riscv" / f"{key}.elf"
    if not path.exists():
        if progress:
            progress(0, 0, "compiling and linking for RISC-V")
        write_atomically(path, _compile(entry.symbol, texts, library, sizes))
    return path.read_bytes()


def _kernel_texts(
    entry: KernelFunction, accelerators: Collection[str], progress: Progress | None
) -> list[str]:
    """IR of ``entry`` and all it calls, by symbol."""
    fits = native.is_plain(entry) and entry.__code__.co_argcount <= MAX_ARGUMENTS
    if not fits or entry.__annotations__.get("return") is None:
        raise KernelCompileError(
            f"{entry.symbol}: an entry takes up to {MAX_ARGUMENTS} 64-bit words and returns one"
        )
    return kernel_texts(entry, accelerators, progress)


def _runtime_texts() -> dict[str, str]:
    """IR of the run-time functions, one module each, under their C names."""
    texts = generate(RUNTIME)
    out = {}
    for function in RUNTIME:
        text = freestanding(canonical(texts[function.symbol]))
        for other in RUNTIME:
            text = text.replace(f'@"{other.symbol}"', f"@{other.__name__}")
        out[function.__name__] = text
    return out


def _compile(entry: str, texts: list[str], library: dict[str, str], sizes: MemorySizes) -> bytes:
    kernel = parse_object(compile_module(texts, {entry}, {*library, ECALL}))
    put_calls(kernel)
    runtime_objects = [
        parse_object(compile_module([text], {name}, library)) for name, text in library.items()
    ]
    objects = select([start_object(entry, sizes), kernel], runtime_objects)
    image = link(objects, START, sizes)
    return write_elf(image, functions_of(objects))
