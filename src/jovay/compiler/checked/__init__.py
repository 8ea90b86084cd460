"""The checked build: every load and store of the kernel is preceded by a check of what its arena's owner allows.

``shadow`` is what may be touched, ``checks`` the code that asks it, ``runtime`` the process's part: arenas, names of
their parts, reports. ``$JOVAY_KERNEL=checked`` chooses this build for a whole process. See ``docs/kernel.md``.
"""

from __future__ import annotations

import os

#: Environment variable that chooses the build, and its values.
VARIABLE, CHECKED, PLAIN = "JOVAY_KERNEL", "checked", "plain"


def is_chosen() -> bool:
    """Whether the environment asks for the checked build; ``ValueError`` for a value that means nothing."""
    value = os.environ.get(VARIABLE, PLAIN)
    if value not in (CHECKED, PLAIN):
        raise ValueError(f"{VARIABLE}={value}: must be {CHECKED} or {PLAIN}")
    return value == CHECKED
