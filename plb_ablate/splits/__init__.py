"""Folds and leakage: the training, validation and test splits of each protocol, and what they share.

In: a prepared corpus and a protocol. Out: one `Fold` of index arrays for each fold, and a `LeakageReport`.
"""
