"""What nodes answer to transactions, told apart."""

from __future__ import annotations

import pytest

from jovay.bridge.l1.answers import Answer, understood


@pytest.mark.parametrize(
    ("message", "answer"),
    [
        ("already known", Answer.TAKEN),
        ("AlreadyKnown", Answer.TAKEN),
        ("transaction already imported", Answer.TAKEN),
        ("Known transaction", Answer.TAKEN),
        ("nonce too low: next nonce 7, tx nonce 5", Answer.TAKEN),
        ("OldNonce, Current nonce: 7, nonce of rejected tx: 5", Answer.TAKEN),
        ("replacement transaction underpriced", Answer.UNDERPRICED),
        ("transaction underpriced: gas tip cap 1, minimum needed 2", Answer.UNDERPRICED),
        ("FeeTooLow, MaxFeePerGas too low", Answer.UNDERPRICED),
        ("insufficient funds for gas * price + value", Answer.REFUSED),
        ("intrinsic gas too low", Answer.REFUSED),
        ("", Answer.REFUSED),
    ],
)
def test_answers(message: str, answer: Answer) -> None:
    assert understood(message) is answer
