"""An RV64IM machine, and the block operations its programs are linked with."""
