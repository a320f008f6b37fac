"""Comparison with the published study: tables, learning curves, and the audit of its claims."""
