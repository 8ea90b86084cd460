"""The genesis of a settled chain: predeploys with their storage (contracts/README.md), and all ETH with L2Mailbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from eth_utils.crypto import keccak

from jovay.bridge import artifacts
from jovay.bridge.predeploys import (
    L1_BLOCK_INFO,
    L1_GAS_ORACLE,
    L2_COIN_BASE,
    L2_ERC20_BRIDGE,
    L2_ETH_BRIDGE,
    L2_MAILBOX,
)
from jovay.chain.development import BLOB_SCHEDULES, CREATE2_DEPLOYER, ETHER, MULTICALL3, predeploys
from jovay.chain.forks import BLOCK_FORKS, TIME_FORKS, ChainConfig
from jovay.chain.genesis import Genesis, GenesisAccount
from jovay.chain.settled import SettledConfig
from jovay.chain.settlement import Settlement
from jovay.chain.system_contracts import HISTORY_STORAGE
from jovay.kernel.protocol.forks import FORKS, OSAKA

#: Wei: more than there will ever be on L1.
SUPPLY: Final = 10**9 * ETHER
CODES: Final = {
    L2_MAILBOX: "L2Mailbox",
    L2_COIN_BASE: "L2CoinBase",
    L1_GAS_ORACLE: "L1GasOracle",
    L1_BLOCK_INFO: "L1BlockInfo",
    L2_ETH_BRIDGE: "L2ETHBridge",
    L2_ERC20_BRIDGE: "L2ERC20Bridge",
}


@dataclass(frozen=True, slots=True)
class Oracle:
    """What ``L1GasOracle`` begins with: wei per byte until the first batch, scales in hundredths, profit of a batch in
    wei, most gas and blob gas of a batch. The original's, but for its total scale, which charges a tenth of the cost.
    """

    l1_fee_per_byte: int = 1_000_000
    base_fee_scale: int = 100
    blob_base_fee_scale: int = 100
    total_scale: int = 100
    profit: int = 0
    most_gas: int = 1_000_000
    most_blob_gas: int = 786_432


@dataclass(frozen=True, slots=True)
class Roles:
    """Accounts on L2 that tell what batches cost and that may send fees to L1, and where to (addresses of 20 bytes)."""

    feeders: tuple[bytes, ...] = ()
    withdrawers: tuple[bytes, ...] = ()
    fee_recipients: tuple[bytes, ...] = ()


def settled_config(
    chain_id: int, gas_limit: int, base_fee: int, forks: tuple[tuple[int, int], ...] = ((0, OSAKA),)
) -> SettledConfig:
    """The configuration with the predeploys at their places; ``base_fee`` is fixed, in wei."""
    return SettledConfig(
        chain_id=chain_id,
        gas_limit=gas_limit,
        coinbase=int.from_bytes(L2_COIN_BASE, "big"),
        base_fee=base_fee,
        forks=forks,
        l1_fee=_place(L1_GAS_ORACLE, "l1FeePerByte"),
        l2_msg_root=_place(L2_MAILBOX, "msgRoot"),
    )


def settled_genesis(
    settlement: Settlement, roles: Roles, timestamp: int, oracle: Oracle = Oracle()
) -> Genesis:
    """The whole genesis; ``timestamp`` in seconds."""
    config = settlement.config
    return Genesis(
        config=_schedule(config),
        alloc=alloc(settlement, roles, oracle),
        gas_limit=config.gas_limit,
        timestamp=timestamp,
        coinbase=config.coinbase.to_bytes(20, "big"),
        base_fee_per_gas=config.base_fee,
        excess_blob_gas=0,
        blob_gas_used=0,
        settlement=settlement,
    )


def alloc(settlement: Settlement, roles: Roles, oracle: Oracle) -> dict[bytes, GenesisAccount]:
    """Predeploys, and the contracts that tools expect; no beacon roots, since there is no beacon chain here."""
    storage: dict[bytes, dict[int, int]] = {
        L2_MAILBOX: {
            _slot(L2_MAILBOX, "l1MailBox"): int.from_bytes(settlement.l1_mailbox, "big"),
            _slot(L2_MAILBOX, "owner"): int.from_bytes(settlement.timelock, "big"),
        },
        L2_ETH_BRIDGE: {_slot(L2_ETH_BRIDGE, "toBridge"): int.from_bytes(settlement.l1_eth_bridge, "big")},
        L2_ERC20_BRIDGE: {
            _slot(L2_ERC20_BRIDGE, "toBridge"): int.from_bytes(settlement.l1_erc20_bridge, "big")
        },
        L2_COIN_BASE: _members(L2_COIN_BASE, "isWithdrawer", roles.withdrawers)
        | _members(L2_COIN_BASE, "whiteListOnL1", roles.fee_recipients),
        L1_GAS_ORACLE: _oracle_storage(oracle) | _members(L1_GAS_ORACLE, "isRelayer", roles.feeders),
        L1_BLOCK_INFO: {},
    }
    tools = predeploys()
    accounts = {address: tools[address] for address in (HISTORY_STORAGE, CREATE2_DEPLOYER, MULTICALL3)}
    for address, slots in storage.items():
        accounts[address] = GenesisAccount(
            balance=SUPPLY if address == L2_MAILBOX else 0,
            nonce=1,
            code=artifacts.load(CODES[address]).runtime,
            storage={_word(slot): _word(value) for slot, value in slots.items() if value},
        )
    return accounts


def _oracle_storage(oracle: Oracle) -> dict[int, int]:
    values = {
        "l1FeePerByte": oracle.l1_fee_per_byte,
        "baseFeeScala": oracle.base_fee_scale,
        "blobBaseFeeScala": oracle.blob_base_fee_scale,
        "totalScala": oracle.total_scale,
        "l1Profit": oracle.profit,
        "maxL1ExecGasUsedLimit": oracle.most_gas,
        "maxL1BlobGasUsedLimit": oracle.most_blob_gas,
    }
    return {_slot(L1_GAS_ORACLE, name): value for name, value in values.items()}


def _schedule(config: SettledConfig) -> ChainConfig:
    """The forks as genesis files have them: each begins with the first one of the configuration that includes it."""
    forks = dict.fromkeys(BLOCK_FORKS, 0)
    for name in TIME_FORKS:
        starts = [start for start, number in config.forks if number >= FORKS[name]]
        if starts:
            forks[name] = min(starts)
    return ChainConfig(config.chain_id, forks, dict(BLOB_SCHEDULES), {"terminalTotalDifficulty": 0})


def _slot(address: bytes, variable: str) -> int:
    return artifacts.load(CODES[address]).slot(variable)


def _place(address: bytes, variable: str) -> tuple[int, int]:
    return int.from_bytes(address, "big"), _slot(address, variable)


def _members(address: bytes, mapping: str, accounts: tuple[bytes, ...]) -> dict[int, int]:
    """True for each of the accounts in a mapping of addresses."""
    base = _word(_slot(address, mapping))
    return {int.from_bytes(keccak(account.rjust(32, b"\0") + base), "big"): 1 for account in accounts}


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")
