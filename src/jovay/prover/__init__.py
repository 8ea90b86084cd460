"""The provers: what they are given of a batch, what they state of it (docs/settlement.md)."""
