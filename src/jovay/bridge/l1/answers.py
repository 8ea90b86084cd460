"""What nodes (geth, reth, Erigon, anvil, Nethermind, Besu) answer to a transaction that they are sent."""

from __future__ import annotations

from enum import Enum

from jovay.chain.reasons import Invalid

#: To one that they know, or have seen mined.
_KNOWN = (
    Invalid.ALREADY_KNOWN,
    "already imported",
    "known transaction",
    Invalid.NONCE_TOO_LOW,
    "alreadyknown",
    "oldnonce",
)
#: To one that pays too little for another's place.
_DEARER = ("underpriced", "replacement", "feetoolow")


class Answer(Enum):
    """To a transaction that was sent."""

    TAKEN, UNDERPRICED, REFUSED = range(3)


def understood(message: str) -> Answer:
    """The message of an error."""
    message = message.lower()
    if any(words in message for words in _KNOWN):
        return Answer.TAKEN
    return Answer.UNDERPRICED if any(words in message for words in _DEARER) else Answer.REFUSED
