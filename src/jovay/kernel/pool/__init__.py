"""The pool of transactions that wait for a block, in arenas that the host gives.

============== ==================================================================================
``record``    the records ``Pool``, ``Entry``, ``Sender``, ``Bucket``, ``Batch``, and the pool's status codes
``entries``   what all share: finding and making entries and senders, memory of batches
``price``     what transactions pay, as numbers of buckets
``buckets``   those that no block has taken, by what they pay
``waiting``   those that wait, by nonce and by age
``turns``     who is ready: the queue, promotion, waiting again, what an account's new state means
``evict``     room for newcomers
``place``     a batch of decoded and judged transactions enters
``leave``     a block takes transactions, puts back and settles them; dropping, clearing
``compaction`` what is left of a batch moves, so that the rest of its memory can go
============== ==================================================================================
"""
