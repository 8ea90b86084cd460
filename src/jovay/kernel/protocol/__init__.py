"""What Ethereum's protocol fixes, as data: forks, prices and limits. Everything else in the kernel builds on it."""
