"""Errors of the controller; each is an answer with this status and the name of its class."""

from __future__ import annotations

from typing import ClassVar

from jovay.prover.errors import ProverError


class ControllerError(ProverError):
    """Base of what the controller answers with in place of a result."""

    status: ClassVar[int] = 500


class BadRequestError(ControllerError):
    """A body that does not say what its verb asks for."""

    status = 400


class WebPageError(ControllerError):
    """A web page asks, from a browser that reaches the controller for it."""

    status = 403


class UnknownVerbError(ControllerError):
    """There is no such path."""

    status = 404


class UnknownBatchError(ControllerError):
    """No batch of this index was handed in, or not for this type of proof."""

    status = 404


class SupersededError(ControllerError):
    """The lease is over, the batch was replaced, or somebody else was first."""

    status = 409


class BodyTooLargeError(ControllerError):
    """A body above the limit."""

    status = 413


class WitnessError(ControllerError):
    """The node gave no witness of a chunk (yet)."""

    status = 503
