"""Folds: which utterances train, validate and test under each protocol, and what leaks between them.

In: a prepared corpus and a protocol. Out: index arrays, one set a fold, and a leakage report.
"""
