"""Logs."""

from ..lang import U64, U256, Bytes, Ptr, Record


class Log(Record):
    """One log; its data lies at ``data`` in the log data arena."""

    address: U256
    topics: Bytes(128)
    topic_count: U64
    data: Ptr
    data_size: U64
    transaction: U64  # index within the run


LOG_SIZE = Log.size
