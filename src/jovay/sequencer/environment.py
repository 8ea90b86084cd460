"""What a block is made with."""

from jovay.execution.environment import BlockEnvironment

__all__ = ["BlockEnvironment"]
