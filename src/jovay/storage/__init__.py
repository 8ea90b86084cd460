"""What survives: blocks, receipts, indexes, flat state, snapshots."""
