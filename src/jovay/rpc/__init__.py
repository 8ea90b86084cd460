"""JSON-RPC over HTTP and WebSocket: eth_*, net_*, web3_*, txpool_*, debug_*, jovay_* and the development
methods.
"""
