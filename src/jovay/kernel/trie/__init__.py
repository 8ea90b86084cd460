"""Tries: Ethereum's Merkle Patricia trie (transaction and receipt roots) and the zkTrie (the state)."""
