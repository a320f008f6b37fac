"""The published study as facts: tables, fold scores, learning curves, errata.

In: the files of ``published/data``. Out: numbers as printed, and our statistics of them.
"""
