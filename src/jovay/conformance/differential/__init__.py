"""Differential testing of the EVM: generated transactions on the kernel and on independent implementations.

``jovay evm fuzz`` generates, compares, minimises what differs and prints it as a state test. A case is made from its
fork and seed alone; nothing else decides it.
"""
