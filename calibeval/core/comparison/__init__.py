"""Comparing two models: which rows belong together, and how certain each difference is."""
