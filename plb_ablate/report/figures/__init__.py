"""The figures of a report: their style, those of comparisons and those of trainings."""
