"""Tests of the report, and the store that they read."""
