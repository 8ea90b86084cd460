"""Results of executed calls, as values."""

from __future__ import annotations

from collections.abc import Sequence

from jovay.chain.checksum import checksummed
from jovay.chain.environment import BlockEnvironment
from jovay.chain.reasons import INVALID, Halt
from jovay.chain.types import AccessEntry
from jovay.kernel.evm import validity
from jovay.kernel.machine import status
from jovay.kernel.machine.frame import Frame
from jovay.kernel.protocol.gas import GAS_PER_BLOB
from jovay.kernel.protocol.limits import MAX_INIT_CODE_SIZE
from jovay.native.hashing import keccak256
from jovay.native.records import View
from jovay.state.machine import NativeMachine

from .halts import halt_of, halt_text
from .requests import CallLog, CallResult, Trace
from .session import Session


def result_of(
    session: Session,
    tx: View,
    logs: Sequence[CallLog],
    access_list: tuple[AccessEntry, ...] = (),
    trace: Trace | None = None,
) -> CallResult:
    """What a transaction that was just executed in the session's machine came to."""
    result, view, machine = session.result, session.view, session.machine
    how, frame = result.how, machine.arena.record(Frame, view.calls.frames)
    left = 0 if how == status.ADDRESS_COLLISION else frame.gas
    used, floor = result.gas_used, _floor(session, tx)
    halt, detail = halt_of(how), ""
    if halt is not None:
        text = _halt_text(machine, frame, how)
        detail = text if text != halt.value else ""
    return CallResult(
        gas_used=used,
        output=machine.output(),
        halt=halt,
        detail=detail,
        max_used_gas=max(tx.gas_limit - left, floor),
        gas_refund=result.gas_refunded,
        created=None if tx.has_to else result.created.to_bytes(20, "big"),
        logs=tuple(logs),
        access_list=access_list,
        trace=trace,
    )


def _floor(session: Session, tx: View) -> int:
    floor = session.machine.library[validity.floor_gas](tx, session.machine.block.fork)
    return int(floor)


def _halt_text(machine: NativeMachine, frame: View, how: int) -> str:
    opcode = machine.byte_of_code(frame.code + frame.pc) if frame.code_size else 0
    return halt_text(how, opcode, (frame.sp - frame.stack) // 32, machine.view.tracing.lacking) or ""


def timed_out() -> CallResult:
    """The result of a call for which there was no time."""
    return CallResult(gas_used=0, halt=Halt.TIMEOUT)


def logs_of(session: Session, first_index: int) -> list[CallLog]:
    """Logs of the transaction just executed, counted from ``first_index``."""
    result, logs = session.result, session.machine.logs()
    found = []
    for k, log in enumerate(logs[result.first_log : result.first_log + result.log_count]):
        topics = bytes(log["topics"])
        found.append(
            CallLog(
                address=bytes(log["address"])[19::-1],
                topics=tuple([topics[32 * t : 32 * t + 32] for t in range(int(log["topic_count"]))]),
                data=session.machine.arena.read(int(log["data_size"]), int(log["data"])),
                index=first_index + k,
            )
        )
    return found


def refusal(session: Session, how: int, tx: View, environment: BlockEnvironment) -> CallResult:
    """The result of a call that never started, in geth's words."""
    reason = INVALID[how]
    extra = _reason_text(session, how, tx, environment)
    return CallResult(gas_used=0, invalid=reason, detail=extra or reason.value)


def _reason_text(session: Session, how: int, tx: View, env: BlockEnvironment) -> str | None:
    library = session.machine.library
    words, sender = INVALID[how].value, checksummed(tx.sender, lambda data: keccak256(library, data))
    if how in (validity.NONCE_TOO_LOW, validity.NONCE_TOO_HIGH):
        state = session.account(int.from_bytes(tx.sender, "big")).nonce
        return f"{words}: address {sender}, tx: {tx.nonce} state: {state}"
    if how == validity.NONCE_MAX:
        return f"{words}: address {sender}, nonce: {tx.nonce}"
    if how == validity.TIP_ABOVE_FEE_CAP:
        tip, cap = tx.max_priority_fee, tx.max_fee
        return f"{words}: address {sender}, maxPriorityFeePerGas: {tip}, maxFeePerGas: {cap}"
    if how == validity.FEE_CAP_TOO_LOW:
        return f"{words}: address {sender}, maxFeePerGas: {tx.max_fee}, baseFee: {env.base_fee}"
    if how == validity.BLOB_FEE_TOO_LOW:
        cap, base = tx.max_blob_fee, env.blob_base_fee
        return f"{words}: address {sender} blobGasFeeCap: {cap}, blobBaseFee: {base}"
    if how == validity.INSUFFICIENT_FUNDS:
        have = session.account(int.from_bytes(tx.sender, "big")).balance
        return f"{words}: address {sender} have {have} want {most_cost(tx, env)}"
    if how in (validity.INTRINSIC_GAS_TOO_LOW, validity.FLOOR_GAS_TOO_LOW):
        rule = validity.intrinsic_gas if how == validity.INTRINSIC_GAS_TOO_LOW else validity.floor_gas
        want = library[rule](tx, env.fork)
        return f"{words}: have {tx.gas_limit}, want {want}"
    if how == validity.INITCODE_TOO_LARGE:
        return f"{words}: code size {tx.data_size} limit {MAX_INIT_CODE_SIZE}"
    if how in (validity.AUTHORIZATIONS_MISSING, validity.SET_CODE_CREATE):
        return f"{words} (sender {sender})"
    return None


def most_cost(tx: View, env: BlockEnvironment) -> int:
    """What a transaction may take from its sender at most, in wei."""
    blobs = tx.blob_count * GAS_PER_BLOB * tx.max_blob_fee
    cost: int = tx.gas_limit * tx.max_fee + tx.value + blobs + env.l1_fee_per_byte * tx.raw_size
    return cost
