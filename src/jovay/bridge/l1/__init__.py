"""L1 as the rollup's parts use it: its RPC, its contracts, and a chain of one's own for development."""
