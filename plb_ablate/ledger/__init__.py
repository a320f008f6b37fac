"""Finished trainings on disk: what a cell is, which cells a study has, and their results.

In: configurations, and states of trainings. Out: one folder a cell, written in one step, from which all else follows.
"""
