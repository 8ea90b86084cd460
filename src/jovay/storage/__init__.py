"""What survives: blocks, receipts, indexes, flat state, snapshots, and the genesis a chain begins with."""
