"""What came of a transaction."""

from ..lang import U64, U256, Record


class Result(Record):
    """What came of one transaction."""

    status: U64  # 1 success, 0 failure (EIP-658)
    how: U64  # how its outermost frame ended
    gas_used: U64
    gas_refunded: U64
    gas_price: U256  # effective
    created: U256  # address of the created contract, 0 if none
    first_log: U64
    log_count: U64
    output_size: U64  # in the machine's return arena
    l1_fee: U256
    fee: U256  # owed to the coinbase, where the view is parallel
    blob_gas: U64
    ancestors: U64  # how many blocks before this one its BLOCKHASH went back to
