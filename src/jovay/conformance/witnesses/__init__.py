"""Hostile witnesses: real ones changed, and made-up ones, put to the stateless function.

============  ==================================================================================
``record``    real witnesses: blocks of generated transactions, made by the sequencer's producer
``source``    such a block at hand, with the whole state before it
``parts``     a witness taken apart, and put together again with whatever is in it
``proofs``    multiproofs as trees
``mutate``    changes of the bytes, of single fields, of whole parts
``makeup``    witnesses that no block gave
``judge``     what may come of one: a refusal, the block's own result, or another block's
``fuzz``      many of them, in a process of their own that may crash or hang
============  ==================================================================================
"""
