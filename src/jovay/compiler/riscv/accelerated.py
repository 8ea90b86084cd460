"""Programs whose machine has chips: the kernel's functions give way to twins that make system calls."""

from __future__ import annotations

import struct
from collections.abc import Collection

from jovay.kernel.accelerated import ACCELERATORS, calls
from jovay.kernel.lang import KernelFunction

from ..errors import KernelCompileError
from ..generate import Progress, generate
from ..references import reachable
from .encoding import encode
from .linker import Object
from .relocations import CALL_PLT

#: What is called where ``put_calls`` puts an ``ecall``: the ABI's first argument lies in a0, its eighth in a7.
ECALL = "ecall"
_RA = 1
_INTRINSICS = {
    calls.blocks.symbol: (
        f"@blocks = internal global [{calls.SIZE // 8} x i64] zeroinitializer, align 8\n"
        f'define i64 @"{calls.blocks.symbol}"() alwaysinline {{\n  ret i64 ptrtoint (ptr @blocks to i64)\n}}\n'
    ),
    calls.system_call.symbol: (
        f"declare void @{ECALL}(i64, i64, i64, i64, i64, i64, i64, i64) nounwind\n"
        f'define void @"{calls.system_call.symbol}"(i64 %number, i64 %block) alwaysinline {{\n'
        f"  call void @{ECALL}(i64 %block, {'i64 poison, ' * 6}i64 %number)\n  ret void\n}}\n"
    ),
}


def kernel_texts(
    entry: KernelFunction, accelerators: Collection[str], progress: Progress | None = None
) -> list[str]:
    """IR of ``entry`` and all it calls, by symbol. ``KernelCompileError`` for accelerators that there are not."""
    if unknown := set(accelerators) - ACCELERATORS.keys():
        raise KernelCompileError(f"no accelerators: {', '.join(sorted(unknown))}")
    twins = {f.symbol: twin for name in accelerators for f, twin in ACCELERATORS[name][1].items()}
    functions = reachable([entry], twins=twins | dict.fromkeys(_INTRINSICS))
    bodies = [twins.get(f.symbol, f) for f in functions if f.symbol not in _INTRINSICS]
    texts = generate(bodies, progress)
    found = {f.symbol: _INTRINSICS.get(f.symbol, "") for f in functions}
    for symbol in found:
        if twin := twins.get(symbol):
            found[symbol] = texts[twin.symbol].replace(f'@"{twin.symbol}"', f'@"{symbol}"')
        elif symbol in texts:
            found[symbol] = texts[symbol]
    return [found[symbol] for symbol in sorted(found)]


def put_calls(o: Object) -> None:
    """Make the calls of ``ECALL`` in an object instructions: a call's two become ``ecall`` and nothing, a tail call's
    ``ecall`` and a return.
    """
    numbers = {number for number, (_, _, name) in enumerate(o.symbols) if name == ECALL}
    for section in o.sections.values():
        for r in [r for r in section.relocations if r.symbol in numbers and r.kind == CALL_PLT]:
            (jump,) = struct.unpack_from("<I", section.data, r.offset + 4)
            links = jump >> 7 & 31 != 0
            then = encode("addi") if links else encode("jalr", rs1=_RA)
            struct.pack_into("<2I", section.data, r.offset, encode("ecall"), then)
            section.relocations.remove(r)
    o.symbols = [(None, 0, "") if number in numbers else symbol for number, symbol in enumerate(o.symbols)]
