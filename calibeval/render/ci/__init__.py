"""Verdicts for the tools of continuous integration."""
