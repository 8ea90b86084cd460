"""Jovay: an Ethereum L2 whose state-transition function is written once, in Python that LLVM compiles."""

__version__ = "0.1.0"

__all__ = ["__version__"]
