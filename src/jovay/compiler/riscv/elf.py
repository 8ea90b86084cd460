"""ELF64 executables for RISC-V: the memory image of a program, its file form and its digest."""

from __future__ import annotations

import hashlib
import itertools
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import CompilerError
from .layout import PAGE

EM_RISCV = 243
ET_EXEC = 2
PT_LOAD = 1
PF_X, PF_W, PF_R = 1, 2, 4
#: Most bytes from a program's lowest to its highest address.
SPAN_LIMIT = 1 << 32
SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_NOBITS, SHT_RISCV_ATTRIBUTES = 1, 2, 3, 8, 0x7000_0003
SHF_WRITE, SHF_ALLOC, SHF_EXECINSTR = 1, 2, 4

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_ABSOLUTE_FUNCTION = 2, 0, 0xFFF1  # a local symbol of a function, in no section
_IDENT = b"\x7fELF\x02\x01\x01" + bytes(9)
#: The psABI's ".riscv.attributes" with the architecture (tag 5), so that tools know of the M extension.
_ARCHITECTURE = b"\x05rv64i2p0_m2p0\0"
_VENDOR = b"\x01" + struct.pack("<I", 5 + len(_ARCHITECTURE)) + _ARCHITECTURE
_ATTRIBUTES = b"A" + struct.pack("<I", 4 + 6 + len(_VENDOR)) + b"riscv\0" + _VENDOR
_DIGEST_DOMAIN = b"jovay riscv64im program v1"


class ElfError(CompilerError):
    """A file that is not an executable this machine can load; the message says why."""


@dataclass(frozen=True)
class Segment:
    """``size`` bytes at ``address``: ``data``, then zeros."""

    address: int
    data: bytes
    size: int
    flags: int

    @property
    def end(self) -> int:
        return self.address + self.size

    @property
    def writable(self) -> bool:
        return bool(self.flags & PF_W)

    @property
    def executable(self) -> bool:
        return bool(self.flags & PF_X)


@dataclass(frozen=True)
class Image:
    """What a program puts into memory, and where it starts. Segments ascend and do not overlap."""

    entry: int
    segments: tuple[Segment, ...]

    @property
    def text(self) -> Segment:
        """The one executable segment."""
        (text,) = (s for s in self.segments if s.executable)
        return text

    def digest(self) -> bytes:
        """SHA-256 over the entry and every segment: address, size, flags, contents. 32 bytes."""
        h = hashlib.sha256(_DIGEST_DOMAIN + struct.pack("<QQ", self.entry, len(self.segments)))
        for s in self.segments:
            contents = s.data.rstrip(b"\0")
            h.update(struct.pack("<QQQQ", s.address, s.size, s.flags, len(contents)) + contents)
        return h.digest()


@dataclass(frozen=True)
class Function:
    """Where a function of the kernel begins in a program."""

    address: int
    name: str


def program_digest(elf: bytes) -> bytes:
    """The name of a program: digest of what it loads, whatever else the file holds. 32 bytes."""
    return read_elf(elf).digest()


# ---- writing -----------------------------------------------------------------------------------------------


def write_elf(image: Image, functions: Sequence[Function] = ()) -> bytes:
    """``image`` as an executable file with program headers and, for disassemblers and profiles, plain section headers
    and the names of functions.
    """
    segments = image.segments
    offset = _align(_HEADER.size + _PROGRAM.size * len(segments), PAGE)
    programs, body, offsets = [], b"", []
    for s in segments:
        offsets.append(offset if s.data else 0)
        programs.append(
            _PROGRAM.pack(PT_LOAD, s.flags, offsets[-1], s.address, s.address, len(s.data), s.size, PAGE)
        )
        padded = s.data.ljust(_align(len(s.data), PAGE), b"\0")
        body += padded
        offset += len(padded)
    sections, tail = _sections(segments, functions, offsets, offset)
    at = _align(offset + len(tail), 8)
    header = _HEADER.pack(
        _IDENT, ET_EXEC, EM_RISCV, 1, image.entry, _HEADER.size, at, 0,
        _HEADER.size, _PROGRAM.size, len(segments), _SECTION.size, len(sections), len(sections) - 1,
    )  # fmt: skip
    front = (header + b"".join(programs)).ljust(PAGE, b"\0")
    return (front + body + tail).ljust(at, b"\0") + b"".join(sections)


def _sections(
    segments: Sequence[Segment], functions: Sequence[Function], offsets: Sequence[int], at: int
) -> tuple[list[bytes], bytes]:
    """Section headers, and what lies at file offset ``at``: the contents of sections that are not loaded."""
    names, headers, tail = b"\0", [bytes(_SECTION.size)], b""
    for s, offset in zip(segments, offsets, strict=True):
        label = ".text" if s.executable else ".data" if s.writable else ".rodata"
        kind = SHT_PROGBITS if s.data else SHT_NOBITS
        flags = SHF_ALLOC | (SHF_WRITE if s.writable else 0) | (SHF_EXECINSTR if s.executable else 0)
        size = len(s.data) or s.size
        if not s.data:
            label = ".bss" if s.writable else ".input"
        headers.append(_SECTION.pack(len(names), kind, flags, s.address, offset or at, size, 0, 0, 16, 0))
        names += label.encode() + b"\0"
    symbols, strings = bytes(_SYMBOL.size), b"\0"
    for f in functions:
        symbols += _SYMBOL.pack(len(strings), *_ABSOLUTE_FUNCTION, f.address, 0)
        strings += f.name.encode() + b"\0"
    table = len(headers) + 2  # the number of .strtab
    for label, kind, contents, extra in (
        (".riscv.attributes", SHT_RISCV_ATTRIBUTES, _ATTRIBUTES, (0, 0, 1, 0)),
        (".symtab", SHT_SYMTAB, symbols, (table, 1 + len(functions), 8, _SYMBOL.size)),
        (".strtab", SHT_STRTAB, strings, (0, 0, 1, 0)),
        (".shstrtab", SHT_STRTAB, b"", (0, 0, 1, 0)),
    ):
        start = len(names)
        names += label.encode() + b"\0"
        contents = contents or names
        headers.append(_SECTION.pack(start, kind, 0, 0, at + len(tail), len(contents), *extra))
        tail += contents
    return headers, tail


def _align(value: int, to: int) -> int:
    return -(-value // to) * to


# ---- reading -----------------------------------------------------------------------------------------------


def read_elf(elf: bytes) -> Image:
    """Parse an executable; ``ElfError`` for anything but a static little-endian RV64 program."""
    if len(elf) < _HEADER.size or elf[:7] != _IDENT[:7]:
        raise ElfError("not a 64-bit little-endian ELF file")
    fields = _HEADER.unpack_from(elf)
    kind, machine, entry, offset, flags = fields[1], fields[2], fields[4], fields[5], fields[7]
    entry_size, count = fields[9], fields[10]
    if (kind, machine) != (ET_EXEC, EM_RISCV):
        raise ElfError("not a RISC-V executable")
    if flags:
        raise ElfError(f"needs more than RV64IM with the soft-float ABI: flags {flags:#x}")
    if count and (entry_size != _PROGRAM.size or offset + count * entry_size > len(elf)):
        raise ElfError("program headers lie outside the file")
    segments = []
    for k in range(count):
        header = _PROGRAM.unpack_from(elf, offset + k * _PROGRAM.size)
        kind, flags, start, address, _, filled, size, _ = header
        if kind == PT_LOAD and size:
            if filled > size or start + filled > len(elf):
                raise ElfError("a segment lies outside the file")
            segments.append(Segment(address, bytes(elf[start : start + filled]), size, flags))
    return Image(entry, check_segments(entry, segments))


def read_functions(elf: bytes) -> list[Function]:
    """The functions that ``write_elf`` named, by address. ``ElfError`` if the file's sections are no such."""
    read_elf(elf)
    offset, count = struct.unpack_from("<Q", elf, 40)[0], struct.unpack_from("<H", elf, 60)[0]
    if offset + count * _SECTION.size > len(elf):
        raise ElfError("section headers lie outside the file")
    sections = [_SECTION.unpack_from(elf, offset + k * _SECTION.size) for k in range(count)]
    found = []
    for s in sections:
        if s[1] == SHT_SYMTAB and s[6] < count and s[4] + s[5] <= len(elf):
            strings = elf[sections[s[6]][4] :][: sections[s[6]][5]]
            for name, _, _, _, address, _ in _SYMBOL.iter_unpack(elf[s[4] + _SYMBOL.size : s[4] + s[5]]):
                found.append(Function(address, strings[name : strings.find(b"\0", name)].decode()))
    return sorted(found, key=lambda f: f.address)


def check_segments(entry: int, segments: Sequence[Segment]) -> tuple[Segment, ...]:
    """Ascending segments; ``ElfError`` if they overlap, or if code and data are not kept apart."""
    ordered = tuple(sorted(segments, key=lambda s: s.address))
    for below, above in itertools.pairwise(ordered):
        if below.end > above.address:
            raise ElfError(f"segments overlap at {above.address:#x}")
        if below.writable and not above.writable:
            raise ElfError(f"read-only segment at {above.address:#x} lies above a writable one")
    code = [s for s in ordered if s.executable]
    if len(code) != 1 or code[0].writable:
        raise ElfError("need exactly one executable segment, and a read-only one")
    text = code[0]
    if text.address % 4 or text.size % 4 or entry % 4 or not text.address <= entry < text.end:
        raise ElfError("the entry is not an instruction of the executable segment")
    if ordered[-1].end - ordered[0].address > SPAN_LIMIT or ordered[-1].end >= 1 << 63:
        raise ElfError(f"segments span more than {SPAN_LIMIT} bytes")
    return ordered
