"""The kernel: Jovay's state-transition function, written once as plain Python that LLVM compiles.

Nothing in here imports anything outside this package. Every function runs as it stands in CPython (slow, the
oracle) and is compiled by ``jovay.compiler`` to native code and to RISC-V. The language is described in
``kernel/lang``.
"""
