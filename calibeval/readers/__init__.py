"""Dumps from files: one module per format, one place that decides what the arrays mean."""
