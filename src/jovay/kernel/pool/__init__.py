"""The pool of transactions that wait for a block, in arenas that the host gives.

============  ==================================================================================
``record``    the records ``Pool``, ``Entry``, ``Sender``, ``Batch``, and the pool's status codes
``entries``   what all share: finding, linking and removing entries and senders
``turns``     who is ready: the queue, promotion, waiting again
``place``     a batch of decoded and judged transactions enters
``leave``     a block takes transactions and settles them; dropping, clearing
``thin``      what is left of a batch moves, so that the rest of its memory can go
============  ==================================================================================
"""
