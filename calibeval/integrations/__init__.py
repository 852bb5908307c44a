"""Adapters for other libraries, one file each: thin, on the public functions, and only here are those imported."""
