"""The published study beside ours: tables, learning curves and the audit of its claims."""
