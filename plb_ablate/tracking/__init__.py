"""MLflow, written and read: uploads of finished cells, runs as plain records, the view of the UI.

In: cells of the ledger; an MLflow store. Out: runs and artifacts; tags, metrics and files of stored runs.
"""
