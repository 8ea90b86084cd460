"""Differential testing of the EVM: generated transactions on the kernel and on independent implementations.

``python -m jovay.conformance.differential --cases 100000`` generates, compares, minimises what differs and prints it
as a state test. A case is made from its seed alone; nothing else decides it.
"""
