"""A platform without hardware, for development and tests: everything in it says that it is simulated."""
