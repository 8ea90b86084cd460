"""The bridge between L2 and L1: what is published, proven and carried across (docs/settlement.md)."""
