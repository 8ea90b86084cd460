"""Contract code in memory: the bytes, 33 zero bytes of padding, and a bitmap of valid jump destinations."""

from ..lang import U64, U256, Ptr, address_of, copy, fill, kernel, load8, load64, store8, store64, unpoison
from ..protocol.opcodes import JUMPDEST, PUSH0, PUSH1, PUSH32
from .world import Code, World

CODE_HEADER = Code.size
PADDING = 33  # a PUSH32 at the last byte reads zeros, and the byte after is STOP


@kernel
def code_footprint(size: U64) -> U64:
    """Bytes that ``place_code`` takes for code of ``size`` bytes."""
    return (CODE_HEADER + size + PADDING + (size >> 3) + 16) & ~U64(7)


@kernel
def place_code(at: Ptr, source: Ptr, size: U64, code_hash: U256) -> Code:
    """Write a Code record with its bytes and jump-destination bitmap at ``at`` (``code_footprint`` bytes)."""
    code = Code(at)
    code.hash = code_hash
    code.size = size
    code.bytes = at + CODE_HEADER
    code.jumpdests = code.bytes + size + PADDING
    copy(code.bytes, source, size)
    fill(code.bytes + size, U64(0), U64(PADDING))
    mark_jumpdests(code.bytes, size, code.jumpdests)
    return code


@kernel
def mark_jumpdests(code: Ptr, size: U64, bitmap: Ptr) -> None:
    """One bit per byte of code: set where a JUMPDEST stands outside push data."""
    fill(bitmap, U64(0), (size >> 3) + 1)
    at = U64(0)
    while at < size:
        opcode = load8(code + at)
        if opcode - JUMPDEST <= PUSH32 - JUMPDEST:  # most are neither of these
            if opcode == JUMPDEST:
                byte = bitmap + (at >> 3)
                store8(byte, load8(byte) | (U64(1) << (at & 7)))
            elif opcode >= PUSH1:
                at += opcode - PUSH0
        at += 1


@kernel(inline=True)
def is_jumpdest(bitmap: Ptr, at: U64) -> bool:
    return (load8(bitmap + (at >> 3)) >> (at & 7)) & 1 != 0


@kernel
def find_code(world: World, code_hash: U256) -> Code:
    """Code by hash, or the null record."""
    at = U64(code_hash) & world.code_mask
    while True:
        pointer = load64(world.code_index + at * 8)
        if pointer == 0 or Code(pointer).hash == code_hash:
            return Code(pointer)
        at = (at + 1) & world.code_mask


@kernel
def intern_code(world: World, source: Ptr, size: U64, code_hash: U256) -> Code:
    """Code by hash, placed in the world's arena if new; null when the arena or its index is full."""
    code = find_code(world, code_hash)
    if address_of(code) != 0:
        return code
    need = code_footprint(size)
    if world.codes_used + need > world.codes_capacity or world.code_count * 2 > world.code_mask:
        return code
    unpoison(world.codes, world.codes + world.codes_used, need)
    code = place_code(world.codes + world.codes_used, source, size, code_hash)
    world.codes_used += need
    world.code_count += 1
    at = U64(code_hash) & world.code_mask
    while load64(world.code_index + at * 8) != 0:
        at = (at + 1) & world.code_mask
    store64(world.code_index + at * 8, address_of(code))
    return code
