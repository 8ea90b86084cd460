"""anvil_dealERC20 and anvil_setERC20Allowance: the storage slot of a value is found by trying those it is read from."""

from __future__ import annotations

from jovay.chain.types import Address
from jovay.rpc.args import AddressArg, WideArg
from jovay.rpc.context import Context
from jovay.rpc.errors import RpcError, method_not_found
from jovay.rpc.executing import call_options, execute_one
from jovay.rpc.table import Run, method
from jovay.simulation.requests import AccountOverride, Call

BALANCE_OF, ALLOWANCE = bytes.fromhex("70a08231"), bytes.fromhex("dd62ed3e")
#: A value that no token has by chance.
PROBE = 0x6A6F766179_0000_5EED_0001


def _set_result(context: Context, token: Address, data: bytes, value: int) -> None:
    """Change the slot that a view function of a token returns."""
    dev = context.development
    if dev is None:
        raise method_not_found("")
    head = context.chain.head()
    call = Call(to=token, data=data, gas=context.limits.call_gas)
    read = execute_one(context, call, head, options=call_options(context, access_list=True))
    for entry in read.access_list:
        for key in entry.storage_keys:
            slot = int.from_bytes(key, "big")
            state = {entry.address: AccountOverride(state_diff={slot: PROBE})}
            if execute_one(context, call, head, state).output == PROBE.to_bytes(32, "big"):
                dev.set_storage(entry.address, slot, value)
                return
    raise RpcError("no storage slot holds this value of the token")


@method("anvil_dealERC20", Run.HEAVY, dev=True)
def deal_erc20(context: Context, holder: AddressArg, token: AddressArg, amount: WideArg) -> None:
    """Set a holder's balance of an ERC-20 token."""
    _set_result(context, token, BALANCE_OF + holder.rjust(32, b"\0"), amount)


@method("anvil_setERC20Allowance", Run.HEAVY, dev=True)
def set_erc20_allowance(
    context: Context, owner: AddressArg, spender: AddressArg, token: AddressArg, amount: WideArg
) -> None:
    """Set what a spender may take of an owner's ERC-20 tokens."""
    _set_result(context, token, ALLOWANCE + owner.rjust(32, b"\0") + spender.rjust(32, b"\0"), amount)
