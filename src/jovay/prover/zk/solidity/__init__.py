"""Solidity for the verifier on L1: the chips' formulas as code, and what its constructor takes."""
