"""The RV64IM machine as chips: each instruction is a row that others complete over buses."""
