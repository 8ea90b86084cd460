"""Python's limit of recursion, kept. py_ecc, which libraries of keys load, raises it a hundredfold: then JSON that is
nested deeply enough runs over the C stack, and the process is gone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def limit_kept() -> Iterator[None]:
    """What is imported within leaves the limit as it was."""
    limit = sys.getrecursionlimit()
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)
