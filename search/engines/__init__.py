"""Engines behind `search.index.Index`; each third-party library has its one home here.

An engine receives ready tokens and a query tree. It analyses nothing and parses nothing, and it
passes `tests/contracts/test_index_contract.py` and `test_random_queries.py` unchanged.
"""
