"""The genesis of a development chain: accounts that every tool knows, and contracts that tools expect.

Chain id 20257: not 5734951 or 2019775, which are Jovay's own networks, so that a transaction signed for a
development chain is never valid on one with real money; not 1337 or 31337, for which wallets and libraries
have special cases; and not assigned in the public chain list.

Contracts: EIP-4788 beacon roots, EIP-2935 block hashes, the deterministic CREATE2 deployer, Multicall3. Each
was deployed by a transaction whose signature fixes the sender and so the address (Nick's method), so the
code below can be checked without trusting anyone; the tests do. Permit2 and
the ERC-4337 entry points are left out: their code depends on the chain, and with the CREATE2 deployer
anyone can put them at their usual addresses.
"""

from __future__ import annotations

from importlib import resources

from .forks import BLOCK_FORKS, TIME_FORKS, BlobSchedule, ChainConfig
from .genesis import INITIAL_BASE_FEE, Genesis, GenesisAccount
from .system_contracts import BEACON_ROOTS, HISTORY_STORAGE

CHAIN_ID = 20257
GAS_LIMIT = 1_000_000_000
MNEMONIC = "test test test test test test test test test test test junk"
"""BIP-39 phrase of the development accounts (path m/44'/60'/0'/0/i); Hardhat and anvil use it."""
ETHER = 10**18
DEVELOPMENT_KEYS = (
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
    "47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
    "8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba",
    "92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e",
    "4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356",
    "dbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97",
    "2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6",
)
"""Private keys of the ten accounts. Anyone can spend what they hold: development only."""
DEVELOPMENT_ADDRESSES = (
    "f39fd6e51aad88f6f4ce6ab8827279cfffb92266",
    "70997970c51812dc3a010c7d01b50e0d17dc79c8",
    "3c44cdddb6a900fa2b585dd299e03d12fa4293bc",
    "90f79bf6eb2c4f870365e785982e1f101e93b906",
    "15d34aaf54267db7d7c367839aaf71a00a2c6a65",
    "9965507d1a55bcc2695c58ba16fb37d819b0a4dc",
    "976ea74026e726554db657fa54763abd0c3a0aa9",
    "14dc79964da2c08b23698b3d3cc7ca32193d9955",
    "23618e81e3f5cdf7f54c3d65f7fbc0abf5b21e8f",
    "a0ee7a142d267c1f36714e4a8f75612f20a79720",
)

BLOB_SCHEDULES = {
    "cancun": BlobSchedule(3, 6, 3338477),
    "prague": BlobSchedule(6, 9, 5007716),
    "osaka": BlobSchedule(6, 9, 5007716),
}
"""Ethereum's."""

CREATE2_DEPLOYER = bytes.fromhex("4e59b44847b379578588920ca78fbf26c0b4956c")
MULTICALL3 = bytes.fromhex("ca11bde05977b3631167028862be2a173976ca11")

_BEACON_ROOTS_CODE = (
    "3373fffffffffffffffffffffffffffffffffffffffe14604d57602036146024575f5ffd5b5f35801560495762001fff8106908154"
    "14603c575f5ffd5b62001fff01545f5260205ff35b5f5ffd5b62001fff42064281555f359062001fff015500"
)
_HISTORY_STORAGE_CODE = (
    "3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff814303116042"
    "57611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500"
)
_CREATE2_DEPLOYER_CODE = (
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f580151560"
    "39578182fd5b8082525050506014600cf3"
)


def predeploys() -> dict[bytes, GenesisAccount]:
    """The contracts by address; nonce 1, as contracts have (EIP-161)."""
    multicall3 = resources.files(__package__).joinpath("data", "multicall3.hex").read_text()
    codes = {
        BEACON_ROOTS: _BEACON_ROOTS_CODE,
        HISTORY_STORAGE: _HISTORY_STORAGE_CODE,
        CREATE2_DEPLOYER: _CREATE2_DEPLOYER_CODE,
        MULTICALL3: multicall3,
    }
    return {address: GenesisAccount(0, 1, bytes.fromhex(code)) for address, code in codes.items()}


def development_genesis(
    chain_id: int = CHAIN_ID, *, timestamp: int = 0, balance: int = 10_000 * ETHER
) -> Genesis:
    """Osaka from the first block, the ten accounts with ``balance`` wei each, and the predeploys."""
    forks = dict.fromkeys((*BLOCK_FORKS, *TIME_FORKS), 0)
    funded = {bytes.fromhex(address): GenesisAccount(balance) for address in DEVELOPMENT_ADDRESSES}
    return Genesis(
        config=ChainConfig(chain_id, forks, dict(BLOB_SCHEDULES), {"terminalTotalDifficulty": 0}),
        alloc=predeploys() | funded,
        gas_limit=GAS_LIMIT,
        timestamp=timestamp,
        base_fee_per_gas=INITIAL_BASE_FEE,
        excess_blob_gas=0,
        blob_gas_used=0,
    )
