"""Fitting and choosing maps, and results before and after them, never on the rows that they were fitted on."""
