"""The L2 from L1 alone: batches executed again, and compared with what L1 was told of them (docs/settlement.md)."""
