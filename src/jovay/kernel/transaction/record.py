"""The ``Transaction`` record: one decoded transaction of any type; variable parts stay where they were."""

from jovay.kernel.lang import U64, U256, Bytes, Ptr, Record
from jovay.kernel.rlp import CURSOR_SIZE

#: EIP-2718 types. ``L1_MESSAGE`` is the rollup's own: 0x7f ‖ RLP[nonce, gas, data], unsigned, free.
LEGACY = 0
ACCESS_LIST = 1
DYNAMIC_FEE = 2
BLOB = 3
SET_CODE = 4
L1_MESSAGE = 0x7F


class Transaction(Record):
    """A transaction. Pointers lead into ``raw`` (or, for calls that were never encoded, wherever they are).

    Fees are wei per gas; a legacy or type 1 transaction has its gas price in both. ``has_to`` is 0 for a
    creation. ``has_chain_id`` is 0 for legacy transactions without replay protection (EIP-155).
    """

    kind: U64
    has_chain_id: U64
    chain_id: U64
    nonce: U64
    gas_limit: U64
    has_to: U64
    max_fee: U256
    max_priority_fee: U256
    value: U256
    max_blob_fee: U256
    to: Bytes(20)
    sender: Bytes(20)  # zero until recovered; of an L1 message the alias of the L1 relayer
    data: Ptr
    data_size: U64
    zero_bytes: U64  # zero and other bytes of data, which calldata gas counts
    nonzero_bytes: U64
    access_list: Ptr  # RLP payload, checked: walk it with lists.next_access_entry
    access_list_size: U64
    access_addresses: U64
    access_keys: U64
    authorizations: Ptr  # RLP payload, checked: walk it with lists.next_authorization
    authorizations_size: U64
    authorization_count: U64
    blob_hashes: Ptr  # RLP payload, checked: lists.blob_hash
    blob_count: U64
    y_parity: U64
    r: U256
    s: U256
    hash: Bytes(32)
    signing_hash: Bytes(32)  # zero for an L1 message
    raw: Ptr
    raw_size: U64
    signed: Ptr  # the encoded fields that the signature covers
    signed_size: U64
    cursor: Bytes(CURSOR_SIZE)  # the decoder's own: over the fields, and over an inner list
    inner: Bytes(CURSOR_SIZE)


TRANSACTION_SIZE = Transaction.size
