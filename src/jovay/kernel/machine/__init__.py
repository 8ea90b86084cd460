"""The machine: a view of the world, journal, frames and arenas that one worker executes with."""
