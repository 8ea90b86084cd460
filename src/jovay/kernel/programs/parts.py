"""Parts of programs' inputs and outputs: each is padded to 8 bytes."""

from ..lang import U64, kernel


@kernel(inline=True)
def padded(size: U64) -> U64:
    """What a part of ``size`` bytes takes."""
    return (size + 7) & ~U64(7)
