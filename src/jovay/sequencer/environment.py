"""What a block is made with."""

from jovay.chain.environment import BlockEnvironment

__all__ = ["BlockEnvironment"]
