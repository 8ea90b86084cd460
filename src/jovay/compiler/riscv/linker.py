"""A static linker: RISC-V object files → a program image, deterministically and without symbols.

Handles what LLVM emits for ``riscv64`` with ``reloc=static`` and the medium code model, nothing else: every
unknown section kind, symbol kind or relocation is a ``LinkError``.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from elftools.elf.elffile import ELFFile

from ..errors import CompilerError
from .elf import PF_R, PF_W, PF_X, SHF_ALLOC, SHF_EXECINSTR, SHF_WRITE, Function, Image, Segment
from .layout import ADDRESS_LIMIT, DATA_BASE, INPUT_BASE, OUTPUT_BASE, PAGE, TEXT_BASE, MemorySizes
from .relocations import Relocation, apply

#: Sections that describe the object but are not loaded, although some carry the ALLOC flag.
_DROPPED = (".eh_frame", ".gcc_except_table", ".note", ".comment", ".riscv.attributes")


class LinkError(CompilerError):
    """The objects cannot become a program; the message names the symbol, section or relocation."""


@dataclass
class Section:
    """An allocated input section; ``address`` is decided by the layout."""

    name: str
    data: bytearray
    size: int
    align: int
    flags: int
    relocations: list[Relocation] = field(default_factory=list)
    address: int = 0

    @property
    def kind(self) -> str:
        if self.flags & SHF_EXECINSTR:
            return "text"
        constant = self.name.startswith(".data.rel.ro")  # written by a dynamic linker only
        return "data" if self.flags & SHF_WRITE and not constant else "rodata"


@dataclass
class Object:
    """One parsed object file. A symbol is ``(section index or None, value, name)``."""

    sections: dict[int, Section]
    symbols: list[tuple[int | None, int, str]]
    exported: dict[str, int]

    @property
    def undefined(self) -> list[str]:
        """Names this object uses but does not define, in symbol order."""
        return [name for section, _, name in self.symbols if section is None and name]


def parse_object(data: bytes) -> Object:
    """Read a relocatable RISC-V object file."""
    elf = ELFFile(io.BytesIO(data))
    if elf["e_machine"] != "EM_RISCV" or elf["e_type"] != "ET_REL" or elf["e_flags"]:
        raise LinkError(f"not a soft-float riscv64 object: {elf['e_machine']}, flags {elf['e_flags']:#x}")
    sections = {}
    for index, section in enumerate(elf.iter_sections()):
        if section["sh_flags"] & SHF_ALLOC and not section.name.startswith(_DROPPED):
            sections[index] = _section(section)
    table: Any = elf.get_section_by_name(".symtab")
    symbols, exported = [], {}
    for index, symbol in enumerate(table.iter_symbols() if table else ()):
        symbols.append(_symbol(symbol))
        if symbol["st_info"]["bind"] != "STB_LOCAL" and symbols[-1][0] is not None:
            exported[symbol.name] = index
    listed: Iterable[Any] = elf.iter_sections()
    for section in listed:
        if section["sh_type"] == "SHT_REL":
            raise LinkError("relocations without addends are not RISC-V's")
        if section["sh_type"] == "SHT_RELA" and section["sh_info"] in sections:
            sections[section["sh_info"]].relocations = [
                Relocation(r["r_offset"], r["r_info_type"], r["r_info_sym"], r["r_addend"])
                for r in section.iter_relocations()
            ]
    return Object(sections, symbols, exported)


def _section(section: Any) -> Section:
    name, kind, size = section.name, section["sh_type"], section["sh_size"]
    if kind not in ("SHT_PROGBITS", "SHT_NOBITS") or section["sh_flags"] & 0x400:  # SHF_TLS
        raise LinkError(f"section {name} of kind {kind}")
    data = bytearray() if kind == "SHT_NOBITS" else bytearray(section.data())
    return Section(name, data, size, max(section["sh_addralign"], 1), section["sh_flags"])


def _symbol(symbol: Any) -> tuple[int | None, int, str]:
    where = symbol["st_shndx"]
    if where == "SHN_UNDEF":
        return None, 0, symbol.name
    if symbol["st_info"]["type"] == "STT_FILE":
        return None, 0, ""
    if not isinstance(where, int):
        raise LinkError(f"symbol {symbol.name} in {where}")
    return where, symbol["st_value"], symbol.name


def select(objects: Sequence[Object], library: Sequence[Object]) -> list[Object]:
    """``objects`` and, in order, what they need from ``library``.

    ``LinkError`` lists what is nowhere defined.
    """
    chosen = list(objects)
    defined = {name for o in chosen for name in o.exported}
    waiting = [name for o in chosen for name in o.undefined]
    missing = []
    while waiting:
        name = waiting.pop(0)
        if name in defined or name in missing:
            continue
        provider = next((o for o in library if name in o.exported), None)
        if provider is None:
            missing.append(name)
            continue
        chosen.append(provider)
        defined.update(provider.exported)
        waiting.extend(provider.undefined)
    if missing:
        raise LinkError("undefined: " + ", ".join(sorted(missing)))
    return chosen


def link(objects: Sequence[Object], entry: str, sizes: MemorySizes) -> Image:
    """Lay out, relocate and collect the objects; the program starts at symbol ``entry``."""
    kinds: dict[str, list[Section]] = {"text": [], "rodata": [], "data": [], "bss": []}
    for o in objects:
        for section in o.sections.values():
            kinds["bss" if section.kind == "data" and not section.data else section.kind].append(section)
    text_end = _place(kinds["text"], TEXT_BASE)
    rodata_base = -(-text_end // PAGE) * PAGE
    rodata_end = _place(kinds["rodata"], rodata_base)
    data_end = _place(kinds["data"], DATA_BASE)
    bss_end = _place(kinds["bss"], data_end)
    if rodata_end > INPUT_BASE or bss_end > OUTPUT_BASE:
        raise LinkError(f"program too large: code and constants end at {rodata_end:#x}, data at {bss_end:#x}")
    names = _globals(objects)
    if entry not in names:
        raise LinkError(f"undefined entry: {entry}")
    for o in objects:
        _relocate(o, names)
    code = _bytes(kinds["text"], TEXT_BASE, text_end)
    segments = [Segment(TEXT_BASE, code, text_end - TEXT_BASE, PF_R | PF_X)]
    if rodata_end > rodata_base:
        data = _bytes(kinds["rodata"], rodata_base, rodata_end)
        segments.append(Segment(rodata_base, data, rodata_end - rodata_base, PF_R))
    if bss_end > DATA_BASE:
        data = _bytes(kinds["data"], DATA_BASE, data_end)
        segments.append(Segment(DATA_BASE, data, bss_end - DATA_BASE, PF_R | PF_W))
    for base, size, writable in sizes.windows:
        segments.append(Segment(base, b"", size, PF_R | (PF_W if writable else 0)))
    return Image(names[entry], tuple(sorted(segments, key=lambda s: s.address)))


def functions_of(objects: Iterable[Object]) -> list[Function]:
    """The functions of linked objects, by address."""
    found = []
    for o in objects:
        for where, value, name in o.symbols:
            section = o.sections.get(where) if where is not None else None
            if section and section.kind == "text" and name and not name.startswith((".L", "$")):
                found.append(Function(section.address + value, name))
    return sorted(found, key=lambda f: f.address)


def _place(sections: Iterable[Section], at: int) -> int:
    """Give the sections ascending addresses from ``at``; returns the end, a multiple of 4."""
    for section in sections:
        section.address = -(-at // section.align) * section.align
        at = section.address + section.size
    return -(-at // 4) * 4


def _bytes(sections: Iterable[Section], base: int, end: int) -> bytes:
    out = bytearray(end - base)
    for section in sections:
        out[section.address - base : section.address - base + section.size] = section.data
    return bytes(out)


def _globals(objects: Sequence[Object]) -> dict[str, int]:
    names: dict[str, int] = {}
    for o in objects:
        for name, index in o.exported.items():
            if name in names:
                raise LinkError(f"defined twice: {name}")
            where, value, _ = o.symbols[index]
            if where not in o.sections:
                raise LinkError(f"symbol {name} lies in a section that is not loaded")
            names[name] = o.sections[where].address + value
    return names


def _relocate(o: Object, names: dict[str, int]) -> None:
    def address(index: int) -> int:
        where, value, name = o.symbols[index]
        if where is None:
            if name:
                return names[name]
            raise LinkError("relocation against a nameless symbol")
        if where not in o.sections:
            raise LinkError(f"relocation against {name or 'a symbol'} in a section that is not loaded")
        return o.sections[where].address + value

    for section in o.sections.values():
        try:
            apply(section.data, section.address, section.relocations, address)
        except (KeyError, ValueError) as error:
            raise LinkError(f"{section.name}: {error}") from error
    if any(s.address + s.size >= ADDRESS_LIMIT for s in o.sections.values()):
        raise LinkError("a section lies beyond the address limit")
