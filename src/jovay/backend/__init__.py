"""The node behind JSON-RPC: reads, submissions, proofs, events and development operations over an open chain."""
