"""From finished runs to pages: ``python -m plb_ablate.report``.

In: runs and artifacts, read through ``tracking``. Out: tables, figures and verdicts as Markdown, CSV, LaTeX and HTML.
"""
