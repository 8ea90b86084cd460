"""Bytecode under construction: instructions by name, labels, and data behind the code."""

from __future__ import annotations

from jovay.kernel.protocol.opcodes import JUMPDEST, OPCODES, PUSH1, PUSH2

CODES = {opcode.name: opcode.code for opcode in OPCODES.values()}


class Label:
    """A place in the code or the data, known once everything is assembled."""

    __slots__ = ("position",)

    def __init__(self) -> None:
        self.position = 0


class Assembler:
    """Code is appended; addresses of labels are 2-byte pushes, filled in by ``assemble``."""

    def __init__(self) -> None:
        self.code = bytearray()
        self._fixups: list[tuple[int, Label]] = []
        self._data: list[tuple[Label, bytes]] = []

    def op(self, *names: str) -> None:
        self.code.extend(CODES[name] for name in names)

    def byte(self, value: int) -> None:
        """A raw byte, whatever it may mean."""
        self.code.append(value)

    def push(self, value: int, size: int | None = None) -> None:
        """The shortest push of ``value`` (0 by PUSH1, which all forks have), or one of ``size`` bytes."""
        if size is None:
            size = max(1, (value.bit_length() + 7) // 8)
        self.code.append(PUSH1 + size - 1)
        self.code += value.to_bytes(size)

    def push_label(self, label: Label) -> None:
        self.code.append(PUSH2)
        self._fixups.append((len(self.code), label))
        self.code += b"\0\0"

    def place(self, label: Label) -> None:
        """A JUMPDEST here, at which ``label`` points."""
        label.position = len(self.code)
        self.code.append(JUMPDEST)

    def data(self, content: bytes) -> Label:
        """Bytes behind the code."""
        label = Label()
        self._data.append((label, content))
        return label

    def assemble(self) -> bytes:
        out = bytearray(self.code)
        for label, content in self._data:
            label.position = len(out)
            out += content
        for at, label in self._fixups:
            out[at : at + 2] = min(label.position, 0xFFFF).to_bytes(2)
        return bytes(out)
