"""The node's kernel, loaded once for a process."""

from __future__ import annotations

import sys
import threading

from jovay.compiler.generate import Progress
from jovay.compiler.interruptible import interruptible, on_another_thread
from jovay.compiler.kernel import ENTRIES, compile_kernel
from jovay.compiler.progress import CompilationProgress

from .library import Library

_loaded: list[Library] = []
_loading = threading.Lock()


def load(progress: Progress | None = None) -> Library:
    """The kernel. ``progress(done, total, what)`` is told of functions being compiled, where the cache has none."""
    if not _loaded:
        with _loading:  # LLVM compiles on one thread of a process
            if not _loaded:
                _loaded.append(Library(compile_kernel(progress), ENTRIES))
    return _loaded[0]


def load_visibly() -> Library:
    """The same from a command line: what is compiled is told on the error stream, and a signal ends it."""
    with interruptible(), CompilationProgress(sys.stderr) as progress:
        on_another_thread(lambda: load(progress))
    return load()
