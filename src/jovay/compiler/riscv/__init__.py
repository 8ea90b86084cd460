"""Kernel → reproducible ``riscv64im`` program, and an RV64IM machine to run it on.

``build.build_elf`` makes the program, ``emulator.run`` runs it, ``elf.program_digest`` names it.
"""
