"""Programs: whole pure functions from bytes to bytes, which run natively and as RISC-V."""
