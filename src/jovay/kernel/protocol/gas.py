"""Gas: every price, named as in execution-specs (without ``GAS_``), with the EIP that set it.

A price that forks have changed is a table, read at a fork's number. What multi-scalar multiplications cost less by the
number of their pairs is in ``msm_discounts``.
"""

from ..lang import U64, Table
from .forks import (
    BERLIN,
    BYZANTIUM,
    CONSTANTINOPLE,
    FRONTIER,
    HOMESTEAD,
    ISTANBUL,
    LONDON,
    NEWEST,
    OSAKA,
    PETERSBURG,
    SHANGHAI,
    SPURIOUS,
    TANGERINE,
)


def by_fork(steps: dict[int, int]) -> Table:
    """Price at every fork from the forks at which it changed; 0 before the first."""
    prices, price = [], 0
    for fork in range(NEWEST + 1):
        price = steps.get(fork, price)
        prices.append(price)
    return Table(U64, prices)


# Instructions
ZERO = 0
JUMPDEST = 1
BASE = 2
VERY_LOW = 3
LOW = 5
FAST_STEP = 5  # EIP-1884, EIP-7939
MID = 8
HIGH = 10
BLOCK_HASH = 20
BLOBHASH_OPCODE = 3  # EIP-4844
EXPONENTIATION = 10
EXPONENTIATION_PER_BYTE = by_fork({FRONTIER: 10, SPURIOUS: 50})  # EIP-160
KECCAK256 = 30
KECCAK256_WORD = 6
COPY = 3  # per word
LOG = 375
LOG_TOPIC = 375
LOG_DATA = 8  # per byte
MEMORY = 3  # per word, and words² ∕ MEMORY_QUADRATIC
MEMORY_QUADRATIC = 512

# Accounts and storage: EIP-150, EIP-1884, EIP-2929
COLD_ACCOUNT_ACCESS = 2_600
COLD_SLOAD = 2_100
WARM_ACCESS = 100
BALANCE = by_fork({FRONTIER: 20, TANGERINE: 400, ISTANBUL: 700, BERLIN: WARM_ACCESS})
EXTERNAL = by_fork({FRONTIER: 20, TANGERINE: 700, BERLIN: WARM_ACCESS})
CODE_HASH = by_fork({CONSTANTINOPLE: 400, ISTANBUL: 700, BERLIN: WARM_ACCESS})
SLOAD = by_fork({FRONTIER: 50, TANGERINE: 200, ISTANBUL: 800, BERLIN: WARM_ACCESS})

# SSTORE: EIP-1283, EIP-1706, EIP-2200, EIP-2929, EIP-3529
STORAGE_SET = 20_000
STORAGE_UPDATE = 5_000
STORAGE_CLEAR_REFUND = by_fork({FRONTIER: 15_000, LONDON: 4_800})
#: The least that a write costs: where net metering is in force, what reading a warm slot costs.
STORAGE_LEAST = by_fork(
    {
        FRONTIER: STORAGE_UPDATE,
        CONSTANTINOPLE: 200,
        PETERSBURG: STORAGE_UPDATE,
        ISTANBUL: 800,
        BERLIN: WARM_ACCESS,
    }
)

# Calls and creations
CALL = by_fork({FRONTIER: 40, TANGERINE: 700, BERLIN: WARM_ACCESS})
CALL_VALUE = 9_000
CALL_STIPEND = 2_300
NEW_ACCOUNT = 25_000
CREATE = 32_000
CODE_DEPOSIT = 200  # per byte
INIT_CODE_WORD_COST = by_fork({FRONTIER: 0, SHANGHAI: 2})  # EIP-3860
SELF_DESTRUCT = by_fork({FRONTIER: ZERO, TANGERINE: 5_000})
SELF_DESTRUCT_NEW_ACCOUNT = by_fork({FRONTIER: ZERO, TANGERINE: 25_000})
REFUND_SELF_DESTRUCT = by_fork({FRONTIER: 24_000, LONDON: 0})

# Transactions
TX_BASE_COST = 21_000
TX_CREATE_COST = by_fork({FRONTIER: 0, HOMESTEAD: 32_000})
TX_DATA_COST_PER_ZERO = 4
TX_DATA_COST_PER_NON_ZERO = by_fork({FRONTIER: 68, ISTANBUL: 16})  # EIP-2028
TX_ACCESS_LIST_ADDRESS_COST = 2_400  # EIP-2930
TX_ACCESS_LIST_STORAGE_KEY_COST = 1_900
FLOOR_CALLDATA_COST = 10  # per token: a byte that is zero, or a quarter of another (EIP-7623)
TOKENS_PER_NON_ZERO = 4
PER_EMPTY_ACCOUNT_COST = 25_000  # EIP-7702: of an authorization
PER_AUTH_BASE_COST = 12_500
GAS_PER_BLOB = 1 << 17  # EIP-4844
#: What of the gas used can be refunded at most: one part in so many (EIP-3529).
REFUND_QUOTIENT = by_fork({FRONTIER: 2, LONDON: 5})

# Precompiled contracts
ECRECOVER = 3_000
SHA256 = 60
SHA256_WORD = 12
RIPEMD160 = 600
RIPEMD160_WORD = 120
IDENTITY = 15
IDENTITY_WORD = 3
MODEXP_LEAST = by_fork({BYZANTIUM: 0, BERLIN: 200, OSAKA: 500})  # EIP-198, EIP-2565, EIP-7883
MODEXP_DIVISOR = by_fork({BYZANTIUM: 20, BERLIN: 3, OSAKA: 1})
ECADD = by_fork({BYZANTIUM: 500, ISTANBUL: 150})  # EIP-1108
ECMUL = by_fork({BYZANTIUM: 40_000, ISTANBUL: 6_000})
ECPAIRING_BASE = by_fork({BYZANTIUM: 100_000, ISTANBUL: 45_000})
ECPAIRING_PER_POINT = by_fork({BYZANTIUM: 80_000, ISTANBUL: 34_000})
BLAKE2_PER_ROUND = 1  # EIP-152
POINT_EVALUATION = 50_000  # EIP-4844
BLS_G1_ADD = 375  # EIP-2537
BLS_G1_MUL = 12_000
BLS_G1_MAP = 5_500
BLS_G2_ADD = 600
BLS_G2_MUL = 22_500
BLS_G2_MAP = 23_800
BLS_PAIRING_BASE = 37_700
BLS_PAIRING_PER_POINT = 32_600
P256VERIFY = 6_900  # EIP-7951
