"""Calls, simulated blocks and EVM traces over the state."""
