"""Settings: their schema, the names of ablation variants and protocols, and composition by Hydra.

In: the YAML files of ``conf/`` and ``experiments/``, and the overrides of the command line. Out: one validated `Config`
for each job.
"""
