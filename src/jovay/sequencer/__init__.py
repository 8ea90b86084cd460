"""The sequencer: Portal → TxPool → pre-execution → groups in parallel → state root → persistence."""
