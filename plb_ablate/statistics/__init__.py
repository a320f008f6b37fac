"""Statistics of the difference between two variants: pure functions of arrays of fold scores.

In: scores by seed and fold. Out: intervals, p-values, posteriors, minimum detectable effects. Independent of files and
runs.
"""

from plb_ablate.statistics.comparison import compare
from plb_ablate.statistics.paired_test import FoldScore, nadeau_bengio

__all__ = ["FoldScore", "compare", "nadeau_bengio"]
