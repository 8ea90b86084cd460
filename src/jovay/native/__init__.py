"""Calling compiled kernel code from Python: arenas, records, libraries, the emulator."""
