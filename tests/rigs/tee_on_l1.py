"""TEEVerifier with collateral on anvil; the owner is an account that anvil signs for."""

from __future__ import annotations

import time
from typing import Any

from jovay.bridge.l1.client import L1Client
from jovay.bridge.l1.contracts import Contract, creation_code
from jovay.bridge.l1.records import L1Receipt
from jovay.chain.settlement import CONTRACTS, Settlement
from jovay.prover.development import simulated_documents
from jovay.prover.tee.collateral import Documents
from jovay.prover.tee.simulated.authority import SimulatedAuthority
from rigs.settled_chain import CONFIG

_U64 = (1 << 64) - 1
_GAS = 16_000_000


class TeeOnL1:
    """All of it deployed and posted; no measurement is allowed yet. Without ``documents`` those of the simulated
    platform, and a verifier that takes its quotes.
    """

    def __init__(self, url: str, documents: Documents | None = None) -> None:
        self.client = L1Client(url)
        self.owner: str = self.client.call("eth_accounts")[0]
        self.authority = SimulatedAuthority.development()
        head = self.client.block()
        assert head is not None
        given = documents or simulated_documents(head.timestamp)
        self.collateral = Contract(
            "TEECollateral", self._create(creation_code("TEECollateral", given.root_key))
        )
        for step in given.postings(self.collateral):
            assert step.to is not None
            self._send({"to": f"0x{step.to.hex()}"}, step.data)
        me = bytes.fromhex(self.owner[2:])
        settings = me, me, self.collateral.address, documents is None, 1
        self.verifier = Contract("TEEVerifier", self._create(creation_code("TEEVerifier", settings)))

    def allow(self, measurement: bytes) -> None:
        """For all batches."""
        self.call(self.verifier, "allowMeasurement", measurement, 0, _U64)

    def settlement(self) -> Settlement:
        """What a genesis would say of it; contracts that nobody asks have no code."""
        others = dict.fromkeys(CONTRACTS, b"\xaa" * 20)
        others |= {"tee_verifier": self.verifier.address, "tee_collateral": self.collateral.address}
        return Settlement(l1_chain_id=31_337, **others, deployed_at=1, config=CONFIG)

    def call(self, contract: Contract, function: str, *arguments: Any) -> L1Receipt:
        """A transaction of the owner's. Raises L1RpcError where it reverts."""
        return self._send({"to": f"0x{contract.address.hex()}"}, contract.encode(function, *arguments))

    def pass_time(self, seconds: int) -> None:
        """The next block is so much later."""
        self.client.call("evm_increaseTime", hex(seconds))
        self.client.call("anvil_mine", "0x1")

    def _create(self, code: bytes) -> bytes:
        address = self._send({}, code).contract_address
        assert address is not None
        return address

    def _send(self, where: dict[str, str], data: bytes) -> L1Receipt:
        fields = {"from": self.owner, "gas": hex(_GAS), "data": f"0x{data.hex()}"} | where
        sent = bytes.fromhex(self.client.call("eth_sendTransaction", fields)[2:])
        until = time.monotonic() + 10
        while (receipt := self.client.receipt(sent)) is None:
            assert time.monotonic() < until, "a transaction of the test is not mined"
            time.sleep(0.002)
        assert receipt.succeeded, "a transaction of the test reverts"
        return receipt
