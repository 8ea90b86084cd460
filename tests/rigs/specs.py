"""execution-specs (EELS) of every fork that it has, and one instruction or precompile of it at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

from jovay.kernel.protocol.forks import (
    BERLIN,
    BYZANTIUM,
    CANCUN,
    FRONTIER,
    HOMESTEAD,
    ISTANBUL,
    LONDON,
    OSAKA,
    PARIS,
    PETERSBURG,
    PRAGUE,
    SHANGHAI,
    SPURIOUS,
    TANGERINE,
)  # fmt: skip

#: Our number of a fork → its package. What is called Constantinople there is Petersburg.
FORKS = {
    FRONTIER: "frontier", HOMESTEAD: "homestead", TANGERINE: "tangerine_whistle", SPURIOUS: "spurious_dragon",
    BYZANTIUM: "byzantium", PETERSBURG: "constantinople", ISTANBUL: "istanbul", BERLIN: "berlin",
    LONDON: "london", PARIS: "paris", SHANGHAI: "shanghai", CANCUN: "cancun", PRAGUE: "prague", OSAKA: "osaka",
}  # fmt: skip
GAS = 10**6
SELF, NOBODY = 0xC0DE, 0
"""The running account, which has code, and one that exists and is warm, as the zero slot of the running one is."""


class Specs:
    """The specification of one fork."""

    def __init__(self, fork: int) -> None:
        self.fork = fork
        self.numbers = {op.value: op.name for op in self.module("vm.instructions").Ops}

    def module(self, name: str) -> Any:
        """One of its modules."""
        return import_module(f"ethereum.forks.{FORKS[self.fork]}.{name}")

    def prices(self) -> dict[str, int]:
        """All prices that have a name, without ``GAS_``, and the limits that are kept with them."""
        found = {}
        for name in ("vm.gas", "transactions", "vm.eoa_delegation", "vm.interpreter"):
            try:
                values = vars(self.module(name))
            except ModuleNotFoundError:
                continue
            for key, value in values.items():
                if key.isupper() and hasattr(value, "__int__") and not isinstance(value, (type, bytes)):
                    found[key.removeprefix("GAS_")] = int(value)
        return found

    def run(self, code: int, operands: Sequence[int], memory: int = 0, static: bool = False) -> Any:
        """The frame after one instruction over ``operands`` (the top first) and so many bytes of zeroed memory.

        Raises what the specification raises, but for REVERT.
        """
        from ethereum_types.numeric import U256, Uint

        evm, instructions = (
            self.frame(bytes([code]) + bytes(32), static=static),
            self.module("vm.instructions"),
        )
        evm.stack.extend(map(U256, reversed(operands)))
        evm.memory.extend(bytes(memory))
        evm.valid_jump_destinations = {Uint(0)}
        try:
            instructions.op_implementation[instructions.Ops(code)](evm)
        except Exception as error:
            if type(error).__name__ != "Revert":
                raise
            evm.running = False
        return evm

    def precompile_price(self, address: int, data: bytes) -> int | None:
        """What a precompiled contract charges; None where it refuses the input before that."""
        contracts = self.module("vm.precompiled_contracts.mapping").PRE_COMPILED_CONTRACTS
        contract = contracts[self.module("fork_types").Address(address.to_bytes(20))]
        own = contract.__globals__["charge_gas"]
        contract.__globals__["charge_gas"] = _charge
        try:
            contract(self.frame(b"", data))
        except _ChargedError as charged:
            return charged.amount
        except self.module("vm.exceptions").ExceptionalHalt:
            return None
        finally:
            contract.__globals__["charge_gas"] = own
        return 0

    def precompiles(self) -> set[int]:
        """Addresses of precompiled contracts."""
        contracts = self.module("vm.precompiled_contracts.mapping").PRE_COMPILED_CONTRACTS
        return {int.from_bytes(address) for address in contracts}

    def frame(self, code: bytes, data: bytes = b"", static: bool = False) -> Any:
        """A frame about to run."""
        from ethereum_types.bytes import Bytes32
        from ethereum_types.numeric import U64, U256, Uint

        vm, state_module, types = self.module("vm"), self.module("state"), self.module("fork_types")

        def address(number: int) -> Any:
            return types.Address(number.to_bytes(20))

        state = state_module.State()
        for number, text in ((SELF, code), (NOBODY, b"")):
            account = types.Account(nonce=Uint(1), balance=U256(10), code=text)
            state_module.set_account(state, address(number), account)
        values = {
            "chain_id": U64(1), "state": state, "block_gas_limit": Uint(10**9), "block_hashes": [Bytes32(bytes(32))],
            "coinbase": address(0xFEE), "number": Uint(1), "time": U256(1), "difficulty": Uint(1),
            "base_fee_per_gas": Uint(1), "prev_randao": Bytes32(bytes(32)), "excess_blob_gas": U64(0),
            "parent_beacon_block_root": Bytes32(bytes(32)), "origin": address(1), "gas_price": Uint(1),
            "gas": Uint(GAS),
            "access_list_addresses": set(), "access_list_storage_keys": set(), "blob_versioned_hashes": (),
            "authorizations": (), "index_in_block": None, "tx_hash": None, "caller": address(1),
            "target": address(SELF), "current_target": address(SELF), "value": U256(0), "data": data,
            "code_address": address(SELF), "code": code, "depth": Uint(0), "should_transfer_value": False,
            "is_static": static, "accessed_addresses": {address(NOBODY)}, "disable_precompiles": False,
            "accessed_storage_keys": {(address(SELF), Bytes32(bytes(32)))}, "parent_evm": None, "pc": Uint(0),
            "stack": [], "memory": bytearray(), "gas_left": Uint(GAS), "valid_jump_destinations": set(), "logs": (),
            "refund_counter": 0, "running": True, "output": b"", "accounts_to_delete": set(),
            "touched_accounts": set(), "return_data": bytes(256), "error": None,
        }  # fmt: skip
        snapshot = [state]
        if hasattr(state_module, "TransientStorage"):
            values["transient_storage"] = state_module.TransientStorage()
            snapshot.append(values["transient_storage"])
        state_module.begin_transaction(*snapshot)  # what storage held then is its original value
        for name, kind in (
            ("block_env", vm.BlockEnvironment), ("tx_env", vm.TransactionEnvironment), ("message", vm.Message),
        ):  # fmt: skip
            values[name] = _make(kind, values)
        return _make(vm.Evm, values)


class _ChargedError(Exception):
    """Ends a precompiled contract once it has said its price."""

    def __init__(self, amount: int) -> None:
        self.amount = amount


def _charge(evm: Any, amount: Any) -> None:
    raise _ChargedError(int(amount))


def _make(kind: Any, values: dict[str, Any]) -> Any:
    return kind(**{field.name: values[field.name] for field in dataclasses.fields(kind)})


@cache
def specs(fork: int) -> Specs:
    """The specification of a fork."""
    return Specs(fork)
