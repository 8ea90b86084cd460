"""The codes that clients expect with a reason, where they expect one of their own."""

from __future__ import annotations

from jovay.chain.reasons import Invalid

from .errors import INVALID_PARAMS

#: eth_simulateV1: of a call that may not be in its block.
SIMULATED = {
    Invalid.NONCE_TOO_LOW: -38010,
    Invalid.NONCE_TOO_HIGH: -38011,
    Invalid.NONCE_MAX: -38011,
    Invalid.FEE_CAP_TOO_LOW: -38012,
    Invalid.INTRINSIC_GAS: -38013,
    Invalid.INSUFFICIENT_FUNDS: -38014,
    Invalid.FUNDS_FOR_TRANSFER: -38014,
    Invalid.BLOCK_GAS_LIMIT: -38015,
    Invalid.EXCEEDS_GAS_LIMIT: -38015,
    Invalid.SENDER_NOT_EOA: -38024,
    Invalid.INITCODE_SIZE: -38025,
    Invalid.TIP_ABOVE_FEE_CAP: INVALID_PARAMS,
}
#: eth_sendRawTransactionSync: not now, but it may be taken later.
NOT_READY = frozenset(
    {
        Invalid.INSUFFICIENT_FUNDS,
        Invalid.FUNDS_FOR_TRANSFER,
        Invalid.POOL_FULL,
        Invalid.SENDER_FULL,
        Invalid.DELEGATED_FULL,
        Invalid.BUSY,
    }
)
