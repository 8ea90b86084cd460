"""Addresses of new contracts."""

from ..hashes.keccak import keccak256, keccak256_word
from ..lang import U64, U256, Ptr, clz, kernel, store8, store256be
from ..machine.machine import Machine

ADDRESS_MASK = U256((1 << 160) - 1)


@kernel
def create_address(m: Machine, sender: U256, nonce: U64) -> U256:
    """The last 20 bytes of Keccak-256 over RLP [sender, nonce] (Yellow Paper, 7)."""
    p = m.scratch.start
    store256be(p + 2, sender << 96)  # 20 bytes of address, then zeros
    store8(p + 1, U64(0x94))
    size = U64(22)
    if nonce < 0x80:
        store8(p + 22, nonce if nonce != 0 else U64(0x80))
        size += 1
    else:
        length = (U64(71) - clz(nonce)) >> 3
        store8(p + 22, U64(0x80) + length)
        i = U64(0)
        while i < length:
            store8(p + 23 + i, nonce >> ((length - 1 - i) << 3))
            i += 1
        size += 1 + length
    store8(p, U64(0xC0) + size - 1)
    return keccak256_word(p, size) & ADDRESS_MASK


@kernel
def create2_address(m: Machine, sender: U256, salt: U256, initcode: Ptr, size: U64) -> U256:
    """EIP-1014: Keccak-256 over 0xff ‖ sender ‖ salt ‖ Keccak-256(initialisation code)."""
    p = m.scratch.start
    store8(p, U64(0xFF))
    store256be(p + 1, sender << 96)
    store256be(p + 21, salt)
    keccak256(initcode, size, p + 53)
    return keccak256_word(p, U64(85)) & ADDRESS_MASK
