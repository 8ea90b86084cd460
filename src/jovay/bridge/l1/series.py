"""Transactions of one account with consecutive nonces, fixed beforehand. Each is written down before it is sent, so a
series that was killed goes on where it was, and none is done twice.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eth_utils.crypto import keccak

from jovay.bridge.errors import L1RpcError, L1UnreachableError, SeriesError
from jovay.bridge.l1.answers import Answer, understood
from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.contracts import reason
from jovay.bridge.l1.fees import Ceilings, Fees, market
from jovay.bridge.l1.keys import Signer, signed
from jovay.bridge.l1.records import L1Receipt
from jovay.chain.types import Transaction

log = logging.getLogger("jovay.l1")

#: Seconds without progress after which fees are raised, and between two looks at the chain.
PATIENCE, PAUSE = 60.0, 0.1
#: Seconds that a server may take to have the receipt of a nonce that it counts.
RECEIPT_TIMEOUT = 10.0
#: Sent and not mined at a time; nodes keep few of one account.
IN_FLIGHT = 64
CEILINGS: Final = Ceilings()


@dataclass(frozen=True, slots=True)
class Step:
    """A transaction to be; without ``to`` it creates a contract. ``value`` in wei."""

    name: str
    to: bytes | None
    data: bytes
    gas: int
    value: int = 0


class Series:
    """The file says where the series began and what has been signed for each step."""

    def __init__(self, client: L1Client, signer: Signer, path: Path, chain_id: int) -> None:
        """Go on with the series in a file, or begin one there at the account's next nonce.

        Raises SeriesError when the file is another account's or another chain's, or cannot be read.
        """
        self._client, self._signer, self._path, self._chain_id = client, signer, path, chain_id
        if path.exists():
            self._stored = self._read()
        else:
            first = client.nonce(signer.address)
            self._stored = {
                "chainId": chain_id,
                "account": f"0x{signer.address.hex()}",
                "firstNonce": first,
                "timestamp": client.head().timestamp,
                "plan": None,
                "signed": [],
            }
            self._write()

    @property
    def first(self) -> int:
        """Nonce of the first step."""
        return int(self._stored["firstNonce"])

    @property
    def timestamp(self) -> int:
        """Second of L1's newest block when the series began."""
        return int(self._stored["timestamp"])

    @property
    def is_mined(self) -> bool:
        """Whether all that was begun here is in L1's chain."""
        signed = self._stored["signed"]
        if not signed or self._done() < len(signed):
            return False
        hashes = [[keccak(bytes.fromhex(entry["raw"])) for entry in entries] for entries in signed]
        return all(any(self._client.receipt(one) for one in reversed(each)) for each in hashes)

    def run(
        self, steps: Sequence[Step], ceilings: Ceilings = CEILINGS, confirmations: int = 0
    ) -> list[L1Receipt]:
        """Returns when all steps are mined, so many blocks deep, with their receipts.

        Raises SeriesError when one has failed or cannot be sent, when others were given before, or when the account
        has sent something else in between; and what the client raises. A later run goes on.
        """
        plan = keccak(b"".join(map(_digest, steps))).hex()
        if self._stored["plan"] not in (None, plan):
            raise SeriesError(
                f"{self._path} was begun for other transactions: take the settings of then, or another file"
            )
        if self._stored["plan"] is None:
            self._stored["plan"], self._stored["signed"] = plan, [[] for _ in steps]
            self._write()
        while True:
            self._send(steps, ceilings)
            receipts = self._receipts(steps)
            deepest = max(receipt.block_number for receipt in receipts) + confirmations
            while self._client.block_number() < deepest:
                time.sleep(PAUSE)
            if not confirmations or self._receipts(steps) == receipts:
                return receipts

    # ---- sending

    def _send(self, steps: Sequence[Step], ceilings: Ceilings) -> None:
        sent, before, since = 0, -1, 0.0
        while (done := self._done()) < len(steps):
            end = min(done + IN_FLIGHT, len(steps))
            if done != before:
                sent = (
                    max(sent, done) if done > before else done
                )  # after a reorg, what it took out is sent again
                before, since = done, time.monotonic()
            if end > sent and self._sign(steps, range(sent, end), ceilings):
                sent = end if self._broadcast(steps, range(sent, end)) else sent
            elif time.monotonic() - since > PATIENCE:
                since = time.monotonic()
                if self._raise_fees(steps, range(done, end), ceilings):
                    self._broadcast(steps, range(done, end))
            time.sleep(PAUSE)

    def _done(self) -> int:
        used = self._client.nonce(self._signer.address)
        if used < self.first:
            raise SeriesError(
                f"the account has sent {used} transactions on this chain, and {self._path} begins at {self.first}:"
                " this is another chain, or it has gone back"
            )
        return used - self.first

    def _sign(self, steps: Sequence[Step], which: range, ceilings: Ceilings) -> bool:
        """Sign those that are not yet; False while fees are above the ceilings."""
        missing = [n for n in which if not self._stored["signed"][n]]
        if missing:
            prices = market(self._client)
            fees = prices.offer(ceilings, blobs=False)
            if fees is None:
                log.warning("fees of L1 are above the ceilings: %s", prices)
                return False
            self._check_balance([steps[n] for n in range(missing[0], len(steps))], fees)
            self._add(steps, dict.fromkeys(missing, fees))
        return True

    def _check_balance(self, steps: Sequence[Step], fees: Fees) -> None:
        """Nothing is begun that cannot be paid for."""
        most = sum(step.gas * fees.fee + step.value for step in steps)
        if (balance := self._client.balance(self._signer.address)) < most:
            account = f"0x{self._signer.address.hex()}"
            raise SeriesError(
                f"{account} has {balance / 10**18} ether, and what is to be sent may take {most / 10**18}"
            )

    def _raise_fees(self, steps: Sequence[Step], which: range, ceilings: Ceilings) -> bool:
        prices, dearer = market(self._client), dict[int, Fees]()
        for n in which:
            last = self._stored["signed"][n][-1]
            fees = prices.replacement(Fees(last["fee"], last["tip"]), ceilings)
            if fees is None:
                log.warning("%s waits, and its fees are at the ceilings", steps[n].name)
                return False
            dearer[n] = fees
        self._add(steps, dearer)
        return True

    def _add(self, steps: Sequence[Step], chosen: dict[int, Fees]) -> None:
        """Sign with these fees, and write that down."""
        for n, fees in chosen.items():
            entry = {"fee": fees.fee, "tip": fees.tip, "raw": self._signed(steps[n], n, fees).hex()}
            self._stored["signed"][n].append(entry)
        self._write()

    def _signed(self, step: Step, n: int, fees: Fees) -> bytes:
        plain = Transaction(
            type=2, hash=b"", sender=self._signer.address, nonce=self.first + n, gas=step.gas, to=step.to,
            value=step.value, input=step.data, max_fee_per_gas=fees.fee, max_priority_fee_per_gas=fees.tip,
            chain_id=self._chain_id,
        )  # fmt: skip
        return signed(plain, self._signer)

    def _broadcast(self, steps: Sequence[Step], which: range) -> bool:
        """False when the server gave no answer: it may have them or not."""
        for n in which:
            raw = bytes.fromhex(self._stored["signed"][n][-1]["raw"])
            try:
                self._client.send_raw(raw)
            except L1RpcError as error:
                if understood(error.message) is Answer.REFUSED:
                    raise SeriesError(f"L1 does not take {steps[n].name}: {error.message}") from error
            except L1UnreachableError as error:
                log.warning("%s is sent again: %s", steps[n].name, error)
                return False
        return True

    # ---- what came of it

    def _receipts(self, steps: Sequence[Step]) -> list[L1Receipt]:
        found = [self._receipt(n, step) for n, step in enumerate(steps)]
        for step, receipt in zip(steps, found, strict=True):
            if not receipt.succeeded:
                raise SeriesError(f"{step.name} failed in block {receipt.block_number}: {self._reason(step)}")
        return found

    def _receipt(self, n: int, step: Step) -> L1Receipt:
        deadline = time.monotonic() + RECEIPT_TIMEOUT
        while True:
            for entry in reversed(self._stored["signed"][n]):
                if receipt := self._client.receipt(keccak(bytes.fromhex(entry["raw"]))):
                    return receipt
            if time.monotonic() > deadline:
                break
            time.sleep(PAUSE)
        raise SeriesError(f"nonce {self.first + n}, meant for {step.name}, was taken by another transaction")

    def _reason(self, step: Step) -> str:
        try:
            self._client.eth_call(step.to, step.data, sender=self._signer.address, value=step.value)
        except L1RpcError as error:
            return str(error) if error.revert_data is None else reason(error.revert_data)
        return "it would succeed now; perhaps its gas did not do"

    # ---- the file

    def _read(self) -> dict[str, Any]:
        try:
            stored: dict[str, Any] = json.loads(self._path.read_text())
            owner = stored["chainId"], stored["account"]
            if not all(key in stored for key in ("firstNonce", "timestamp", "plan", "signed")):
                raise KeyError
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SeriesError(f"{self._path} is no record of what was sent") from error
        if owner != (self._chain_id, f"0x{self._signer.address.hex()}"):
            raise SeriesError(f"{self._path} is of account {owner[1]} on chain {owner[0]}")
        return stored

    def _write(self) -> None:
        fresh = self._path.with_name(self._path.name + ".new")
        with fresh.open("w") as file:
            json.dump(self._stored, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


def send_once(client: L1Client, signer: Signer, steps: Sequence[Step], chain_id: int) -> list[L1Receipt]:
    """The same without a record that outlives it, for what may be done twice. Raises what ``Series`` raises."""
    with tempfile.TemporaryDirectory(prefix="jovay-") as folder:
        return Series(client, signer, Path(folder) / "series.json", chain_id).run(steps)


def _digest(step: Step) -> bytes:
    head = (step.to or b"").rjust(21, b"\0") + step.value.to_bytes(32, "big")
    return keccak(head + step.gas.to_bytes(8, "big") + step.data)
