"""From a batch of transactions to an executed block."""
