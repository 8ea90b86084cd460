"""The prover controller: what is to be proven, who works on it, what came of it (docs/prover.md)."""
