"""Benchmarks of time and memory: ``python -m plb_ablate.bench``, one file for each measurement.

In: a configuration, or a finished run whose model is measured. Out: measurements as tables, as JSON and in MLflow.

Every measurement runs in separate processes, because TensorFlow's threads cannot be changed after its start, and the
peak memory of a process never decreases. Alternatives are measured in turns within one run; the best of each counts.
"""
