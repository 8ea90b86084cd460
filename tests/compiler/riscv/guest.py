"""A guest that uses the whole kernel language. Input: a task number and its data; output: the result."""

from jovay.kernel.hashes.keccak import keccak256
from jovay.kernel.lang import (
    U8,
    U64,
    U128,
    U256,
    U512,
    U1024,
    Bytes,
    Ptr,
    Record,
    Switch,
    Table,
    address_of,
    bswap,
    clz,
    copy,
    ctz,
    fill,
    kernel,
    load8,
    load16,
    load32,
    load64,
    load64be,
    load128,
    load256,
    load256be,
    popcount,
    rotl,
    rotr,
    sar,
    signed_lt,
    store8,
    store16,
    store32,
    store64,
    store64be,
    store256be,
)
from jovay.kernel.words import arith

BAD_TASK, TOO_SHORT = 1, 2
HEADER = 8
SQUARES = Table(U64, [k * k * 0x9E3779B97F4A7C15 for k in range(256)])
NIBBLES = Table(U8, [(k * 7 + 3) % 16 for k in range(16)])


class Node(Record):
    """A node of a binary search tree."""

    key: U64
    count: U64
    left: Ptr
    right: Ptr
    tag: U8
    value: U256
    note: Bytes(16)


NODE_SIZE = Node.size


@kernel
def emit(output: Ptr, value: U256) -> None:
    """Append a word to the output."""
    size = load64(output)
    store256be(output + 8 + size, value)
    store64(output, size + 32)


@kernel
def task_hash(data: Ptr, size: U64, output: Ptr, arena: Ptr) -> U64:
    keccak256(data, size, output + 8)
    store64(output, U64(32))
    return U64(0)


@kernel
def task_words(data: Ptr, size: U64, output: Ptr, arena: Ptr) -> U64:
    if size < 96:
        return U64(TOO_SHORT)
    a = load256be(data)
    b = load256(data + 32)
    c = load256be(data + 64)
    n = U64(c)
    emit(output, a * b + c)
    emit(output, a - (b ^ ~c))
    emit(output, arith.div(a, b >> (n & 255)))
    emit(output, arith.mulmod(a, b, c))
    emit(output, arith.addmod(a, b, c))
    emit(output, arith.smod(a, c >> (n & 255)))
    emit(output, arith.exp(a, b & 0xFFFF))
    emit(output, (a << n) | (b >> n) | sar(c, n))
    emit(output, (a << (n & 511)) ^ (b >> (n & 511)) ^ sar(c, n & 511))
    emit(output, rotl(a, n) ^ rotr(b, n & 255) ^ bswap(c))
    emit(output, U256(clz(a)) | (U256(ctz(b)) << 16) | (U256(popcount(c)) << 32))
    emit(output, U256(signed_lt(a, b)) | (U256(a < c) << 1) | (U256(b == c) << 2))
    wide = U512(a) * U512(b)
    emit(output, U256(wide >> 256) ^ U256(wide))
    wider = U1024(a) * U1024(b) * U1024(c)
    emit(output, U256(wider >> (n & 1023)) ^ U256(sar(wider, 700)))
    return U64(0)


@kernel
def task_limbs(data: Ptr, size: U64, output: Ptr, arena: Ptr) -> U64:
    if size < 64:
        return U64(TOO_SHORT)
    total = U256(0)
    for k in range(32):
        at = data + k
        x = load64(at) ^ load64be(at) ^ load32(at) ^ load16(at + 3) ^ load8(at)
        y = load128(at)
        z = U64(y >> 64)
        store64be(arena + k, x)
        store32(arena + 64 + 3 * k, z)
        store16(arena + 256 + k, x >> 5)
        store8(arena + 300 + k, x % (z | 1))
        total = rotl(total, 7) ^ U256(x // (z & 0xFFFF)) ^ U256(U64(y * U128(x) >> 50) * SQUARES[x & 255])
        total = (
            total + U256(rotr(z, x) ^ sar(x, z & 127) ^ (x << (z & 127)) ^ bswap(z)) + (U256(clz(x)) << 100)
        )
        total = total ^ (U256(ctz(z)) << 200) ^ (U256(popcount(x)) << 130) ^ U256(NIBBLES[z & 15])
        total = total ^ load256(arena + 40 + k)
        # Values that wait on Python's stack while a condition is decided: several at a time.
        total = rotl(total ^ U256(x), U64(3) if z > x else z & 31) + U256(y if x & 1 == 0 else y >> (x & 63))
        store64(
            arena + (U64(8) if y < U128(x) else U64(24)),
            (z ^ 5) + (x if z & 2 == 0 else ~x) * (z if x > 9 else x),
        )
    emit(output, total)
    emit(output, load256(arena + 64))
    emit(output, load256(arena + 290))
    return U64(0)


@kernel
def insert(tree: Node, key: U64, fresh: Node) -> Node:
    """Count ``key`` in the tree; ``fresh`` becomes its node if there is none yet."""
    if address_of(tree) == 0:
        fresh.key = key
        fresh.count = U64(1)
        fresh.tag = key + 200
        fresh.value = U256(key) * U256(key)
        store64(fresh.note + 8, ~key)
        return fresh
    if key == tree.key:
        tree.count = tree.count + 1
    elif key < tree.key:
        tree.left = address_of(insert(Node(tree.left), key, fresh))
    else:
        tree.right = address_of(insert(Node(tree.right), key, fresh))
    return tree


@kernel
def walk(tree: Node, depth: U64, acc: U256) -> U256:
    """Fold a tree in order."""
    if address_of(tree) == 0:
        return acc
    acc = walk(Node(tree.left), depth + 1, acc)
    acc = (
        acc * 31
        + tree.value
        + U256(tree.count)
        + (U256(tree.tag) << 64)
        + U256(load64(tree.note + 8) ^ depth)
    )
    return walk(Node(tree.right), depth + 1, acc)


@kernel
def task_tree(data: Ptr, size: U64, output: Ptr, arena: Ptr) -> U64:
    root = Node(U64(0))
    for k in range(size >> 1):
        fresh = Node(arena + k * NODE_SIZE)
        root = insert(root, load16(data + 2 * k), fresh)
    emit(output, walk(root, U64(0), U256(7)))
    return U64(0)


@kernel
def op_push(stack: Ptr, depth: U64, argument: U64) -> U64:
    store64(stack + depth * 8, SQUARES[argument & 255])
    return depth + 1


@kernel
def op_add(stack: Ptr, depth: U64, argument: U64) -> U64:
    if depth < 2:
        return depth
    store64(stack + (depth - 2) * 8, load64(stack + (depth - 1) * 8) + load64(stack + (depth - 2) * 8))
    return depth - 1


@kernel
def op_mix(stack: Ptr, depth: U64, argument: U64) -> U64:
    for k in range(depth):
        store64(stack + k * 8, rotl(load64(stack + k * 8), argument) ^ NIBBLES[(argument + k) & 15])
    return depth


@kernel
def op_nothing(stack: Ptr, depth: U64, argument: U64) -> U64:
    return depth


STEP = Switch(
    "guest step",
    {
        0: op_push,
        1: op_add,
        2: op_push,
        3: op_mix,
        5: op_add,
        6: op_push,
        9: op_mix,
        200: op_push,
        255: op_add,
    },
    op_nothing,
)


@kernel
def task_interpret(data: Ptr, size: U64, output: Ptr, arena: Ptr) -> U64:
    depth = U64(0)
    for k in range(size):
        byte = load8(data + k)
        depth = STEP(byte if byte >= 200 else byte % 12, arena, depth, byte)
    for k in range(depth):
        emit(output, U256(load64(arena + k * 8)))
    return depth


@kernel
def task_blocks(data: Ptr, size: U64, output: Ptr, arena: Ptr) -> U64:
    """Copies and fills that overlap, at every alignment, from a list of (target, source, size) bytes."""
    for k in range(1024):
        store8(arena + k, U64(k) * 37)
    steps = size // 3
    for k in range(steps):
        target = load8(data + 3 * k)
        source = load8(data + 3 * k + 1)
        length = load8(data + 3 * k + 2)
        if U64(k) % 4 == 3:
            fill(arena + target, source, length)
        else:
            copy(arena + target, arena + source, length)
    copy(output + 8, arena, 600)
    store64(output, U64(600))
    return steps


@kernel
def bad_task(data: Ptr, size: U64, output: Ptr, arena: Ptr) -> U64:
    return U64(BAD_TASK)


TASK = Switch(
    "guest task",
    {0: task_hash, 1: task_words, 2: task_limbs, 3: task_tree, 4: task_interpret, 5: task_blocks},
    bad_task,
)
TASKS = 6


@kernel
def main(data: Ptr, size: U64, output: Ptr, arena: Ptr) -> U64:
    """Entry of the guest."""
    if size < HEADER:
        return U64(TOO_SHORT)
    return TASK(load64(data), data + HEADER, size - HEADER, output, arena)


@kernel
def exhaust(depth: U64) -> U64:
    """Recurse without an end in sight, keeping something on the stack at each level."""
    if depth == 0xFFFFFFFFFFFFFFFF:
        return U64(0)
    return exhaust(depth + 1) * 3 + depth


@kernel
def overflow(data: Ptr, size: U64) -> U64:
    """A guest that runs out of stack."""
    return exhaust(size)


@kernel
def windows(data: Ptr, size: U64, output: Ptr, arena: Ptr, arena_size: U64, output_size: U64) -> U64:
    """A guest that touches both ends of its windows and reports their sizes."""
    store8(arena + arena_size - 1, U64(1))
    store8(output + output_size - 1, U64(2))
    store64(output + 8, arena_size)
    store64(output + 16, output_size)
    store64(output, U64(16))
    return load8(arena) + load8(arena + arena_size - 1)
