"""net_*, web3_*, rpc_modules and what old clients ask about mining."""

from __future__ import annotations

from jovay.rpc.args import DataArg
from jovay.rpc.codec import data
from jovay.rpc.context import Context
from jovay.rpc.resolve import known_header
from jovay.rpc.table import Run, method

PROTOCOL_VERSION = 65


@method("net_version", Run.INLINE)
def net_version(context: Context) -> str:
    """Network id, decimal."""
    chain = context.chain.config
    return str(chain.chain_id if chain.network_id is None else chain.network_id)


@method("net_listening", Run.INLINE)
def net_listening(context: Context) -> bool:
    """Whether the node accepts connections."""
    return True


@method("net_peerCount", Run.INLINE)
def net_peer_count(context: Context) -> str:
    """Number of peers: a sequencer has none."""
    return "0x0"


@method("web3_clientVersion", Run.INLINE)
def client_version(context: Context) -> str:
    """Name and version of the node."""
    return context.services.backend.client_version


@method("web3_sha3", Run.INLINE, large=True)
def sha3(context: Context, content: DataArg) -> str:
    """Keccak-256 of data."""
    return data(context.keccak(content))


@method("rpc_modules", Run.INLINE)
def modules(context: Context) -> dict[str, str]:
    """Namespaces that this node serves."""
    return dict.fromkeys(sorted(context.services.namespaces), "1.0")


@method("eth_syncing", Run.INLINE)
def syncing(context: Context) -> bool:
    """Whether the node catches up with others: a sequencer never does."""
    return False


@method("eth_mining", Run.INLINE)
def mining(context: Context) -> bool:
    """Whether the node mines by proof of work."""
    return False


@method("eth_hashrate", Run.INLINE)
def hashrate(context: Context) -> str:
    """Hashes per second of proof of work."""
    return "0x0"


@method("eth_coinbase", Run.INLINE)
def coinbase(context: Context) -> str:
    """Fee receiver of the newest block."""
    return data(known_header(context.chain, context.chain.head()).coinbase)


@method("eth_protocolVersion", Run.INLINE)
def protocol_version(context: Context) -> str:
    """Version of the Ethereum wire protocol."""
    return hex(PROTOCOL_VERSION)
