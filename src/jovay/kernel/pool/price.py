"""What transactions pay, by buckets: tips below 16 wei have one each, above that each power of two has 16.

So a bucket is 1/16 to 1/32 wide, and who pays 1/16 more than another is in a higher one.
"""

from ..lang import U64, U256, clz, kernel

#: Number of buckets; the last one is for tips of 2⁶⁴ wei and more.
PRICES = 977


@kernel
def bucket_of(tip: U256) -> U64:
    """Number of the bucket of a tip, in wei per gas."""
    if tip >> 64 != 0:
        return U64(PRICES - 1)
    t = U64(tip)
    if t < 16:
        return t
    top = 63 - clz(t)
    return (top - 3) * 16 + ((t >> (top - 4)) & 15)


@kernel
def least_tip(price: U64) -> U256:
    """The lowest tip of a bucket."""
    if price < 16:
        return U256(price)
    return U256(16 + (price & 15)) << ((price >> 4) - 1)
