"""Settings: their schema, the names of variants and protocols, and how Hydra composes them.

In: ``conf/``, ``experiments/`` and what is typed. Out: a checked `Config` for each job.
"""
