"""What is sent to a node: funded accounts, the chain that they are on, loads of signed transactions."""
