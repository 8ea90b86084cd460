"""Blocks of Ethereum's main chain since Paris, for its tests: the node's producer, and the rules around it.

Header rules, withdrawals, requests. Blocks of the L2 have neither withdrawals nor requests, and the sequencer makes
their headers itself: nothing in here runs in a node.
"""
