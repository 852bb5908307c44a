"""Logs of language models and decision services become ordinary dumps: nothing is left out without being counted."""
