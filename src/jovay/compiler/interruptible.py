"""Native work for a command line: a signal is heeded while LLVM works."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator

INTERRUPTED = 130


def on_another_thread(work: Callable[[], object]) -> None:
    """Do ``work`` on another thread and wait for it.

    Native code looks at no signals for many seconds, and only the main thread handles them. Use it within
    ``interruptible``.
    """
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, name="native work", daemon=True)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """End the process at once on ``KeyboardInterrupt``: native code on another thread cannot be stopped."""
    try:
        yield
    except KeyboardInterrupt:
        for child in multiprocessing.active_children():
            child.terminate()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(INTERRUPTED)
