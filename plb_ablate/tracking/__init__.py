"""MLflow: upload of finished cells, reading of stored runs, and the view of them in the MLflow UI.

In: finished cells of the ledger; the address of an MLflow store. Out: runs with tags, metrics and artifacts in the
store; stored runs as plain records.
"""
