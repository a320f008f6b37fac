"""How fast, how large: ``python -m plb_ablate.bench``, one file a measurement.

Every measurement runs in processes of its own, because TensorFlow's threads are fixed when it begins and a process's
peak memory never falls. What is compared is measured within one run, by turns, and the best of each counts.
"""
