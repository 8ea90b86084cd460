"""Hostile witnesses: real ones changed, and made-up ones, put to the stateless function.

============  ==================================================================================
``record``    real witnesses: blocks of generated transactions, made by the sequencer's producer
``parts``     a witness taken apart, and put together again with whatever is in it
============  ==================================================================================
"""
