"""Gas: every price in one place, named as in the Yellow Paper and execution-specs, with the EIP that set it."""

from ..lang import U64
from . import forks

ZERO = 0
BASE = 2
VERYLOW = 3
LOW = 5
MID = 8
HIGH = 10
JUMPDEST = 1
BLOCKHASH = 20
EXP = 10
KECCAK256 = 30
KECCAK256_WORD = 6
COPY_WORD = 3
MEMORY_WORD = 3
MEMORY_QUADRATIC_DIVISOR = 512
LOG = 375
LOG_TOPIC = 375
LOG_BYTE = 8
CREATE = 32_000
CODE_DEPOSIT_BYTE = 200
INITCODE_WORD = 2  # EIP-3860
CALL_VALUE = 9_000
CALL_STIPEND = 2_300
NEW_ACCOUNT = 25_000
SELFDESTRUCT_EIP150 = 5_000
BLOBHASH = 3  # EIP-4844

# EIP-2929
COLD_ACCOUNT = 2_600
COLD_SLOAD = 2_100
WARM_ACCESS = 100

# EIP-2200, EIP-3529
SSTORE_SET = 20_000
SSTORE_RESET = 5_000
SSTORE_SENTRY = 2_300
SSTORE_CLEARS_REFUND_EIP2200 = 15_000
SSTORE_CLEARS_REFUND_EIP3529 = 4_800
SELFDESTRUCT_REFUND = 24_000

# Transactions
TX_BASE = 21_000
TX_CREATE = 32_000
TX_DATA_ZERO = 4
TX_DATA_NONZERO_FRONTIER = 68
TX_DATA_NONZERO = 16  # EIP-2028
ACCESS_LIST_ADDRESS = 2_400  # EIP-2930
ACCESS_LIST_SLOT = 1_900
FLOOR_TOKEN = 10  # EIP-7623
AUTHORIZATION = 25_000  # EIP-7702: PER_EMPTY_ACCOUNT_COST
AUTHORIZATION_REFUND = 12_500  # PER_EMPTY_ACCOUNT_COST − PER_AUTH_BASE_COST
TX_GAS_LIMIT_CAP = 1 << 24  # EIP-7825

# Blobs (EIP-4844, EIP-7691)
GAS_PER_BLOB = 1 << 17

MAX_CODE_SIZE = 0x6000  # EIP-170
MAX_INITCODE_SIZE = 2 * MAX_CODE_SIZE  # EIP-3860
STACK_LIMIT = 1024
CALL_DEPTH_LIMIT = 1024


def by_fork(steps: dict[int, int]) -> tuple[int, ...]:
    """Price at every fork from the forks at which it changed."""
    prices, price = [], 0
    for fork in range(forks.OSAKA + 1):
        price = steps.get(fork, price)
        prices.append(price)
    return tuple(prices)


def at_least_one_64th(gas: U64) -> U64:
    """All but one 64th (EIP-150)."""
    return gas - (gas >> 6)
