"""eth_config (EIP-7910)."""

from __future__ import annotations

import zlib

from jovay.chain.types import ChainParameters
from jovay.rpc.codec import data, quantity
from jovay.rpc.context import Context
from jovay.rpc.forms import Form
from jovay.rpc.resolve import known_header
from jovay.rpc.table import Run, method


def fork_id(chain: ChainParameters, position: int) -> bytes:
    """EIP-6122 fork hash: CRC-32 over the genesis hash and the activation times up to a fork."""
    checksum = zlib.crc32(chain.genesis_hash)
    last = 0
    for fork in chain.forks[: position + 1]:
        # Forks of genesis, and forks at one time, count once.
        if fork.activation_time != last:
            last = fork.activation_time
            checksum = zlib.crc32(last.to_bytes(8), checksum)
    return checksum.to_bytes(4)


def _fork_form(chain: ChainParameters, position: int) -> Form:
    fork = chain.forks[position]
    schedule = fork.blob_schedule
    return {
        "activationTime": fork.activation_time,
        "blobSchedule": None
        if schedule is None
        else {
            "baseFeeUpdateFraction": schedule.base_fee_update_fraction,
            "max": schedule.max,
            "target": schedule.target,
        },
        "chainId": quantity(chain.chain_id),
        "forkId": data(fork_id(chain, position)),
        "precompiles": {name: data(fork.precompiles[name]) for name in sorted(fork.precompiles)},
        "systemContracts": {
            name: data(fork.system_contracts[name]) for name in sorted(fork.system_contracts)
        },
    }


@method("eth_config", Run.INLINE)
def config(context: Context) -> Form:
    """Parameters of the current, the next and the last fork (EIP-7910)."""
    chain = context.chain.config
    now = known_header(context.chain, context.chain.head()).timestamp
    current = max(
        (position for position, fork in enumerate(chain.forks) if fork.activation_time <= now), default=0
    )
    last = len(chain.forks) - 1
    return {
        "current": _fork_form(chain, current),
        "next": _fork_form(chain, current + 1) if current < last else None,
        "last": _fork_form(chain, last) if current < last else None,
    }
