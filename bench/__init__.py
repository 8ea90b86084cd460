"""Benchmarks of the node: ``jovay bench`` runs them all; see docs/benchmarks.md."""
