"""Errors of state, execution and storage as clients see them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from jovay.rpc.backend.errors import BackendError, HistoryUnavailableError
from jovay.sequencer.errors import SequencerError
from jovay.state import errors as state
from jovay.storage.errors import CorruptStoreError, IndexRepairError, MissingBlockError, PrunedDataError

log = logging.getLogger("jovay.backend")


@contextmanager
def executing() -> Iterator[None]:
    """What happens within reads the state or executes over it."""
    try:
        yield
    except state.HistoryUnavailableError as error:
        raise HistoryUnavailableError(str(error)) from error
    except (state.ExecutionError, SequencerError) as error:
        raise BackendError(str(error)) from error


@contextmanager
def stored() -> Iterator[None]:
    """What happens within reads stored blocks."""
    try:
        yield
    except (PrunedDataError, MissingBlockError) as error:
        raise HistoryUnavailableError(f"pruned history unavailable: {error}") from error
    except IndexRepairError as error:
        detail = f"the index of blocks {error.first} to {error.last} is being made again"
        raise BackendError(f"{detail}; try again") from error
    except CorruptStoreError as error:
        log.error("stored data is damaged: %s", error)
        raise BackendError(f"stored data is damaged: {error.detail}") from error
