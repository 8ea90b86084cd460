"""Status codes of decoding and sender recovery.

A status is 0 or ``place << 16 | field << 8 | code``. Codes from 16 to 31 are those of ``rlp``; ``field`` is
then the number of the transaction's field, from 1, and ``place`` the list in it where the error was, if any.
"""

OK = 0
TYPE_NOT_SUPPORTED = 32
TYPED_TOO_SHORT = 33
INVALID_SIGNATURE = 34
CHAIN_ID_TOO_LARGE = 35
BLOB_SIDECAR = 36
RECOVERY_FAILED = 37

#: Places: lists inside a transaction.
IN_ACCESS_LIST = 1
IN_STORAGE_KEYS = 2
IN_BLOB_HASHES = 3
IN_AUTHORIZATIONS = 4
