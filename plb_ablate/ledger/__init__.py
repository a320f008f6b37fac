"""The results on disk: cells, the plan of a study's cells, and the result of each finished training.

In: configurations, and checkpoints of trainings. Out: one folder for each cell, written atomically; uploads, status and
time estimates read nothing else.
"""
