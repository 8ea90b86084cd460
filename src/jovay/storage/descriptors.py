"""Open files of the block log: any number of sealed files, few of them open at a time."""

from __future__ import annotations

import os
import threading
import weakref
from pathlib import Path

SEGMENT_FILES = 64
"""Most sealed files that are open; which are read again are opened again."""


class Descriptor:
    """An open file that closes when its last reader lets go, so that files can be replaced under readers."""

    __slots__ = ("number",)

    def __init__(self, path: Path) -> None:
        self.number = -1
        self.number = os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def __del__(self) -> None:
        if self.number >= 0:
            os.close(self.number)


class LazyFile:
    """A file that is opened when it is used, and closed when so many others were opened after it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: Descriptor | None = None
        self._held = False

    def get(self) -> Descriptor:
        """The open file. Keep the reference while its number is used: another thread may close the file."""
        return self._open or self._reopen()

    def _reopen(self) -> Descriptor:
        with _lock:
            if self._open is not None:
                return self._open
            opened = self._open = Descriptor(self.path)
            if not self._held:
                _enter(self)
            return opened

    def close(self) -> None:
        """Let go of the file; readers still have it, and the next one opens it again."""
        self._open = None

    def hold(self) -> None:
        """Keep the file open from now on: it is written, or another takes its name."""
        with _lock:
            _leave(self)
            self._held = True
        self.get()

    def release(self) -> None:
        """Nothing speaks against closing the file any more."""
        with _lock:
            self._held, self._open = False, None


_lock = threading.Lock()
_opened: list[weakref.ref[LazyFile]] = []
"""Files that may be closed, in the order in which they were opened."""


def _leave(file: LazyFile) -> None:
    _opened[:] = [one for one in _opened if one() not in (file, None)]


def _enter(file: LazyFile) -> None:
    _leave(file)
    _opened.append(weakref.ref(file))
    while len(_opened) > SEGMENT_FILES:
        oldest = _opened.pop(0)()
        if oldest is not None:
            oldest.close()
