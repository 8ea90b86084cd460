"""Programs: whole pure functions from bytes to bytes, which run natively and as RISC-V.

What provers run: ``stateless``, one block from its witness, and ``chunk``, consecutive blocks of a settled chain
(``settled_config``). ``job`` has what both share: input, memory, the state before, transactions, roots; ``verdict``
how they end.

What tests run: ``state_test``, a state test of execution-spec-tests; ``transition``, everything that came of
transactions, written out in full.

``guests`` makes the entries of RISC-V programs out of them.
"""
