"""What Ethereum's protocol fixes, as data: forks, prices, limits, opcodes. The rest of the kernel builds on it."""
