"""Errors of the compiler."""


class CompilerError(Exception):
    """Base of everything the compiler raises."""


class KernelCompileError(CompilerError):
    """A kernel function is outside the language or does not type; the message names the function and why."""
