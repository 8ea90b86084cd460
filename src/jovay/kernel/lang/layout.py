"""What of an arena may be touched, said by its owner. The checked build heeds it; in others it compiles to nothing.

Inside an arena nothing may be touched before an owner allows it. An owner cuts its arena into parts and leaves red
zones between them. A table whose records come one by one is reserved, and each record is unpoisoned when it is taken
and poisoned when it is given up. All of these are statements, in functions of any kind; ``if CHECKED:`` begins
statements that the checked build alone has.
"""

from __future__ import annotations

#: True in the checked build, where the compiler puts it in place; false in Python.
CHECKED = False
#: Bytes between two parts of an arena, in the checked build.
RED_ZONE = 64


def part(address, size, name):
    """``size`` bytes at ``address`` (a multiple of 64) are the part ``name`` (a literal string), all of it in use."""


def reserve(address, size, name):
    """The same for a part of which nothing is in use yet."""


def unpoison(part, address, size):
    """``size`` bytes at ``address`` come into use; they must lie in the part that begins at ``part``."""


def poison(address, size):
    """``size`` bytes at ``address`` are not in use any more."""


LAYOUT = (part, reserve, unpoison, poison)
