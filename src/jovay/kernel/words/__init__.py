"""Arithmetic on words and on numbers of many words."""
