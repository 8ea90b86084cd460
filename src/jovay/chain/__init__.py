"""Ethereum's facts in Python, each once: values, RLP, headers, environments, transactions, forks, genesis, rules."""
