"""General-purpose helpers that every room uses: errors, signals, atomic file writes, seeds, provenance.

In: plain values, paths and strings; no other room is imported here. Out: exception classes, context managers and small
functions that contain nothing specific to speech or to neural networks.
"""
