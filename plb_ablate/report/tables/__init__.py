"""The tables of a report: their model, their renderers, and one file for each kind."""
