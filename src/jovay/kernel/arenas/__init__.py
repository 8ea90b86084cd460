"""Memory that the host gives: handing it out, indexes and sorting in it, which of it may be touched."""
