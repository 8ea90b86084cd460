"""What provers are given of a block: its witness."""
