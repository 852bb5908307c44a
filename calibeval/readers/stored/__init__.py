"""Stored arrays: their shapes and types are known first, their values are loaded when needed, within limits."""
