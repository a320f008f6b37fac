"""The report of finished runs: ``python -m plb_ablate.report``.

In: runs and artifacts, read through ``tracking``, and the published results. Out: tables, figures and verdicts as
Markdown, CSV, LaTeX and HTML.
"""
