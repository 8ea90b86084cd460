"""Types of JSON parameters, for annotating handlers: each names its Python type and its parser."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeAlias

import msgspec

from jovay.chain.types import AccessEntry, Authorization, Withdrawal
from jovay.rpc import codec
from jovay.rpc.backend.chain import BlockTag
from jovay.rpc.table import Kind
from jovay.simulation.requests import AccountOverride, BlockOverrides, Call

_INT64_MAX = (1 << 63) - 1
Parsers: TypeAlias = Mapping[str, Callable[[Any], Any]]


class BlockRef(msgspec.Struct, frozen=True):
    """A block as a client names it (EIP-1898): exactly one of tag, number and hash is set."""

    tag: BlockTag | None = None
    number: int | None = None
    hash: bytes | None = None


LATEST = BlockRef(tag=BlockTag.LATEST)
_TAGS = {tag.value: BlockRef(tag=tag) for tag in BlockTag}


def parse_block_number(value: Any) -> BlockRef:
    """A tag or a block number."""
    ref = _TAGS.get(value) if isinstance(value, str) else None
    if ref is not None:
        return ref
    if not isinstance(value, str):
        raise ValueError("hex string without 0x prefix")
    number = codec.quantity_digits(value)
    if number > _INT64_MAX:
        raise ValueError("block number larger than int64")
    return BlockRef(number=number)


def parse_block(value: Any) -> BlockRef:
    """A tag, a number, a hash or an EIP-1898 object."""
    if isinstance(value, str):
        if len(value) == 66:
            return BlockRef(hash=codec.parse_hash(value))
        return parse_block_number(value)
    if not isinstance(value, dict):
        kind = codec.json_kind(value)
        raise ValueError(f"json: cannot unmarshal {kind} into Go value of type string")
    number, block_hash = value.get("blockNumber"), value.get("blockHash")
    if number is not None and block_hash is not None:
        raise ValueError("cannot specify both BlockHash and BlockNumber, choose one or the other")
    if block_hash is not None:
        return BlockRef(hash=codec.parse_hash(block_hash))
    if number is None:
        raise ValueError("must specify either BlockHash or BlockNumber")
    return parse_block_number(number)


def in_struct(struct: str, field: str, parse: Callable[[Any], Any], value: Any) -> Any:
    """Parse a field of an object, naming the field in the error as Go's decoder does."""
    try:
        return parse(value)
    except ValueError as error:
        old, new = "Go value of type", f"Go struct field {struct}.{field} of type"
        raise ValueError(str(error).replace(old, new)) from None


def parse_object(value: Any, go_type: str) -> dict[str, Any]:
    """A JSON object."""
    if isinstance(value, dict):
        return value
    raise ValueError(f"json: cannot unmarshal {codec.json_kind(value)} into Go value of type {go_type}")


def parse_list(value: Any, go_type: str) -> list[Any]:
    """A JSON array."""
    if isinstance(value, list):
        return value
    raise ValueError(f"json: cannot unmarshal {codec.json_kind(value)} into Go value of type {go_type}")


def _fields(value: Any, struct: str, parsers: Parsers) -> dict[str, Any]:
    """Known, non-null fields of an object, parsed; unknown ones are ignored, as geth does."""
    source = parse_object(value, struct)
    found = {}
    for name, parse in parsers.items():
        content = source.get(name)
        if content is not None:
            found[name] = in_struct(struct.rsplit(".", 1)[-1], name, parse, content)
    return found


def parse_hashes(value: Any) -> tuple[bytes, ...]:
    """An array of 32-byte hashes."""
    return tuple([codec.parse_hash(item) for item in parse_list(value, "[]common.Hash")])


_ACCESS_TUPLE: Parsers = {"address": codec.parse_address, "storageKeys": parse_hashes}


def parse_access_list(value: Any) -> tuple[AccessEntry, ...]:
    """An EIP-2930 access list."""
    entries = []
    for item in parse_list(value, "types.AccessList"):
        fields = _fields(item, "types.AccessTuple", _ACCESS_TUPLE)
        if "address" not in fields:
            raise ValueError("missing required field 'address' for AccessTuple")
        entries.append(AccessEntry(fields["address"], fields.get("storageKeys", ())))
    return tuple(entries)


_AUTHORIZATION: Parsers = {
    "chainId": codec.parse_quantity,
    "address": codec.parse_address,
    "nonce": codec.parse_uint64,
    "yParity": codec.parse_uint64,
    "r": codec.parse_quantity,
    "s": codec.parse_quantity,
}


def parse_authorizations(value: Any) -> tuple[Authorization, ...]:
    """EIP-7702 authorizations; ``v`` is accepted for ``yParity``."""
    found = []
    for item in parse_list(value, "[]types.SetCodeAuthorization"):
        source = dict(parse_object(item, "types.SetCodeAuthorization"))
        if source.get("yParity") is None and source.get("v") is not None:
            parity = codec.parse_uint64(source["v"])
            source["yParity"] = hex(parity - 27 if parity in (27, 28) else parity)
        fields = _fields(source, "types.SetCodeAuthorization", _AUTHORIZATION)
        for name in _AUTHORIZATION:
            if name not in fields:
                raise ValueError(f"missing required field '{name}' for SetCodeAuthorization")
        found.append(
            Authorization(
                fields["chainId"],
                fields["address"],
                fields["nonce"],
                fields["yParity"],
                fields["r"],
                fields["s"],
            )
        )
    return tuple(found)


class CallArgs(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction object as a client sends it; None is "not given"."""

    sender: bytes | None = None
    to: bytes | None = None
    gas: int | None = None
    gas_price: int | None = None
    max_fee_per_gas: int | None = None
    max_priority_fee_per_gas: int | None = None
    value: int | None = None
    nonce: int | None = None
    data: bytes | None = None
    input: bytes | None = None
    access_list: tuple[AccessEntry, ...] | None = None
    chain_id: int | None = None
    max_fee_per_blob_gas: int | None = None
    blob_versioned_hashes: tuple[bytes, ...] | None = None
    authorization_list: tuple[Authorization, ...] | None = None
    has_blobs: bool = False

    @property
    def payload(self) -> bytes:
        """Call data; ``input`` goes before ``data``."""
        return self.input if self.input is not None else self.data or b""

    def call(self, gas: int | None) -> Call:
        """The message to execute, with that gas limit."""
        return Call(
            sender=self.sender or bytes(20),
            to=self.to,
            gas=gas,
            gas_price=self.gas_price,
            max_fee_per_gas=self.max_fee_per_gas,
            max_priority_fee_per_gas=self.max_priority_fee_per_gas,
            value=self.value or 0,
            data=self.payload,
            nonce=self.nonce,
            access_list=self.access_list,
            max_fee_per_blob_gas=self.max_fee_per_blob_gas,
            blob_versioned_hashes=self.blob_versioned_hashes,
            authorization_list=self.authorization_list,
        )


def _parse_recipient(value: Any) -> bytes | None:
    # Some clients send an empty string or "0x" for a contract creation.
    return None if value in ("", "0x") else codec.parse_address(value)


_CALL: Parsers = {
    "from": codec.parse_address,
    "to": _parse_recipient,
    "gas": codec.parse_uint64,
    "gasPrice": codec.parse_quantity,
    "maxFeePerGas": codec.parse_quantity,
    "maxPriorityFeePerGas": codec.parse_quantity,
    "value": codec.parse_quantity,
    "nonce": codec.parse_uint64,
    "data": codec.parse_data,
    "input": codec.parse_data,
    "accessList": parse_access_list,
    "chainId": codec.parse_quantity,
    "maxFeePerBlobGas": codec.parse_quantity,
    "blobVersionedHashes": parse_hashes,
    "authorizationList": parse_authorizations,
}
_CALL_NAMES = {
    "from": "sender",
    "gasPrice": "gas_price",
    "maxFeePerGas": "max_fee_per_gas",
    "maxPriorityFeePerGas": "max_priority_fee_per_gas",
    "accessList": "access_list",
    "chainId": "chain_id",
    "maxFeePerBlobGas": "max_fee_per_blob_gas",
    "blobVersionedHashes": "blob_versioned_hashes",
    "authorizationList": "authorization_list",
}


def parse_call(value: Any) -> CallArgs:
    """A transaction object."""
    fields = _fields(value, "ethapi.TransactionArgs", _CALL)
    named = {_CALL_NAMES.get(name, name): content for name, content in fields.items()}
    return CallArgs(**named, has_blobs=value.get("blobs") is not None)


def _parse_words(value: Any) -> dict[int, int]:
    words = {}
    for key, content in parse_object(value, "map[common.Hash]common.Hash").items():
        words[int.from_bytes(codec.parse_hash(key))] = int.from_bytes(codec.parse_hash(content))
    return words


_ACCOUNT_OVERRIDE: Parsers = {
    "nonce": codec.parse_uint64,
    "code": codec.parse_data,
    "balance": codec.parse_quantity,
    "state": _parse_words,
    "stateDiff": _parse_words,
    "movePrecompileToAddress": codec.parse_address,
}


def parse_state_overrides(value: Any) -> dict[bytes, AccountOverride]:
    """State overrides: an object from address to changes."""
    overrides = {}
    for key, content in parse_object(value, "override.StateOverride").items():
        address = codec.parse_address(key)
        fields = _fields(content, "override.OverrideAccount", _ACCOUNT_OVERRIDE)
        if "state" in fields and "stateDiff" in fields:
            raise ValueError(f"account {codec.data(address)} has both 'state' and 'stateDiff'")
        overrides[address] = AccountOverride(
            nonce=fields.get("nonce"),
            code=fields.get("code"),
            balance=fields.get("balance"),
            state=fields.get("state"),
            state_diff=fields.get("stateDiff"),
            move_precompile_to=fields.get("movePrecompileToAddress"),
        )
    return overrides


_WITHDRAWAL: Parsers = {
    "index": codec.parse_uint64,
    "validatorIndex": codec.parse_uint64,
    "address": codec.parse_address,
    "amount": codec.parse_uint64,
}


def _parse_withdrawals(value: Any) -> tuple[Withdrawal, ...]:
    found = []
    for item in parse_list(value, "types.Withdrawals"):
        fields = _fields(item, "types.Withdrawal", _WITHDRAWAL)
        address = fields.get("address", bytes(20))
        found.append(
            Withdrawal(
                fields.get("index", 0), fields.get("validatorIndex", 0), address, fields.get("amount", 0)
            )
        )
    return tuple(found)


_BLOCK_OVERRIDES: Parsers = {
    "number": codec.parse_quantity,
    "difficulty": codec.parse_quantity,
    "time": codec.parse_uint64,
    "gasLimit": codec.parse_uint64,
    "feeRecipient": codec.parse_address,
    "prevRandao": codec.parse_hash,
    "baseFeePerGas": codec.parse_quantity,
    "blobBaseFee": codec.parse_quantity,
    "beaconRoot": codec.parse_hash,
    "withdrawals": _parse_withdrawals,
}
_BLOCK_OVERRIDE_ALIASES = {
    "timestamp": "time",
    "coinbase": "feeRecipient",
    "random": "prevRandao",
    "baseFee": "baseFeePerGas",
}


def parse_block_overrides(value: Any) -> BlockOverrides:
    """Block overrides; the older names ``coinbase``, ``random``, ``baseFee`` are accepted too."""
    source = dict(parse_object(value, "override.BlockOverrides"))
    for other, name in _BLOCK_OVERRIDE_ALIASES.items():
        if other in source:
            source.setdefault(name, source[other])
    fields = _fields(source, "override.BlockOverrides", _BLOCK_OVERRIDES)
    randao = fields.get("prevRandao")
    return BlockOverrides(
        number=fields.get("number"),
        difficulty=fields.get("difficulty"),
        timestamp=fields.get("time"),
        gas_limit=fields.get("gasLimit"),
        coinbase=fields.get("feeRecipient"),
        prev_randao=None if randao is None else int.from_bytes(randao),
        base_fee_per_gas=fields.get("baseFeePerGas"),
        blob_base_fee=fields.get("blobBaseFee"),
        parent_beacon_block_root=fields.get("beaconRoot"),
        withdrawals=fields.get("withdrawals"),
    )


class LogArgs(msgspec.Struct, frozen=True, kw_only=True):
    """A log filter as a client sends it."""

    block_hash: bytes | None = None
    first: BlockRef | None = None
    last: BlockRef | None = None
    addresses: tuple[bytes, ...] = ()
    topics: tuple[tuple[bytes, ...], ...] = ()


def _parse_filter_address(value: Any) -> bytes:
    if not isinstance(value, str):
        raise ValueError("invalid addresses in query")
    content = codec.parse_data(value)
    if len(content) != 20:
        raise ValueError(f"hex has invalid length {len(content)} after decoding; expected 20 for address")
    return content


def _parse_topic(value: Any) -> bytes:
    if not isinstance(value, str):
        raise ValueError("invalid topic(s)")
    content = codec.parse_data(value)
    if len(content) != 32:
        raise ValueError(f"hex has invalid length {len(content)} after decoding; expected 32 for topic")
    return content


def _parse_topics(value: Any) -> tuple[tuple[bytes, ...], ...]:
    positions = parse_list(value, "[]interface {}")
    if len(positions) > 4:
        raise ValueError("exceed max topics")
    topics: list[tuple[bytes, ...]] = []
    for position in positions:
        if position is None or (isinstance(position, list) and None in position):
            topics.append(())
        elif isinstance(position, list):
            topics.append(tuple([_parse_topic(item) for item in position]))
        else:
            topics.append((_parse_topic(position),))
    return tuple(topics)


def parse_log_filter(value: Any) -> LogArgs:
    """A log filter object."""
    source = parse_object(value, "filters.FilterCriteria")
    block_hash, first, last = source.get("blockHash"), source.get("fromBlock"), source.get("toBlock")
    if block_hash is not None and (first is not None or last is not None):
        raise ValueError("cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other")
    address, topics = source.get("address"), source.get("topics")
    if address is None:
        addresses: tuple[bytes, ...] = ()
    elif isinstance(address, list):
        addresses = tuple([_parse_filter_address(item) for item in address])
    else:
        addresses = (_parse_filter_address(address),)
    return LogArgs(
        block_hash=None if block_hash is None else codec.parse_hash(block_hash),
        first=None if first is None else parse_block_number(first),
        last=None if last is None else parse_block_number(last),
        addresses=addresses,
        topics=() if topics is None else _parse_topics(topics),
    )


def parse_percentiles(value: Any) -> tuple[float, ...]:
    """An array of numbers."""
    items = parse_list(value, "[]float64")
    for item in items:
        if isinstance(item, bool) or not isinstance(item, int | float):
            kind = codec.json_kind(item)
            raise ValueError(f"json: cannot unmarshal {kind} into Go value of type float64")
    return tuple([float(item) for item in items])


def parse_slots(value: Any) -> tuple[tuple[int, bool], ...]:
    """An array of storage keys."""
    return tuple([codec.parse_slot(item) for item in parse_list(value, "[]string")])


def parse_options(value: Any) -> dict[str, Any]:
    """An object of options."""
    return parse_object(value, "object")


def _parse_wide(value: Any) -> int:
    return codec.parse_integer(value, codec.UINT256_MAX)


def _parse_index(value: Any) -> int:
    return codec.parse_quantity(value, "hexutil.Uint", codec.UINT64_MAX)


AddressArg: TypeAlias = Annotated[bytes, Kind("ADDRESS", codec.parse_address)]
HashArg: TypeAlias = Annotated[bytes, Kind("HASH", codec.parse_hash)]
DataArg: TypeAlias = Annotated[bytes, Kind("DATA", codec.parse_data)]
IndexArg: TypeAlias = Annotated[int, Kind("QUANTITY", _parse_index)]
IntegerArg: TypeAlias = Annotated[int, Kind("INTEGER", codec.parse_integer)]
WideArg: TypeAlias = Annotated[int, Kind("INTEGER", _parse_wide)]
BoolArg: TypeAlias = Annotated[bool, Kind("BOOL", codec.parse_bool)]
StringArg: TypeAlias = Annotated[str, Kind("STRING", codec.parse_string)]
AnyArg: TypeAlias = Annotated[Any, Kind("ANY", lambda value: value)]
BlockNumberArg: TypeAlias = Annotated[BlockRef, Kind("BLOCK NUMBER", parse_block_number)]
BlockArg: TypeAlias = Annotated[BlockRef, Kind("BLOCK", parse_block)]
CallArg: TypeAlias = Annotated[CallArgs, Kind("TRANSACTION OBJECT", parse_call)]
StateArg: TypeAlias = Annotated[dict[bytes, AccountOverride], Kind("STATE OVERRIDES", parse_state_overrides)]
BlockOverridesArg: TypeAlias = Annotated[BlockOverrides, Kind("BLOCK OVERRIDES", parse_block_overrides)]
LogArg: TypeAlias = Annotated[LogArgs, Kind("LOG FILTER", parse_log_filter)]
PercentilesArg: TypeAlias = Annotated[tuple[float, ...], Kind("ARRAY of numbers", parse_percentiles)]
SlotArg: TypeAlias = Annotated[tuple[int, bool], Kind("STORAGE KEY", codec.parse_slot)]
SlotsArg: TypeAlias = Annotated[tuple[tuple[int, bool], ...], Kind("ARRAY of STORAGE KEY", parse_slots)]
OptionsArg: TypeAlias = Annotated[dict[str, Any], Kind("OPTIONS", parse_options)]
