"""Blocks: prediction of read-write sets, conflict groups, execution, receipts, write sets."""
