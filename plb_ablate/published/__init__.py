"""The published study as data: tables, fold scores, learning curves, errata.

In: the files of ``published/data``. Out: the published numbers, and our statistics of them.
"""
