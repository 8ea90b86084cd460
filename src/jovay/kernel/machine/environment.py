"""The environment that a block gives its transactions."""

from ..lang import U64, U256, Ptr, Record


class Block(Record):
    """The environment a block gives its transactions."""

    number: U64
    timestamp: U64
    gas_limit: U64
    base_fee: U256
    blob_base_fee: U256
    prevrandao: U256
    coinbase: U256
    chain_id: U64
    fork: U64
    difficulty: U256  # before Paris
    hashes: Ptr  # 256 × 32 bytes, hash of block n at (n mod 256)
    hashes_known: U64  # how many blocks before this one have their hash there
    fees_to_coinbase: U64  # 1: the whole fee goes to the coinbase (L2 fee vault); 0: the base fee is burnt
    l1_fee_per_byte: U256  # L1 data fee, wei per byte of the raw transaction
    blob_target_update_fraction: U64
    max_blobs: U64


#: Bits of ``context``: number or time stamp; randomness or hashes; the price of gas, or the sender's balance.
POSITION, PARENT, PRICE = 1, 2, 4
