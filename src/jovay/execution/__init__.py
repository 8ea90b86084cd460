"""The native state in memory and the machines that execute over it; sequencer, JSON-RPC and provers share them."""
