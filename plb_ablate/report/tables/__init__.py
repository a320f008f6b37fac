"""The tables of a report: the table itself, its renderers, and one file for each kind of table."""
