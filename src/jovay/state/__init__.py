"""The world in memory, and reading it at a height: tables, write sets, the state trie, older values."""
