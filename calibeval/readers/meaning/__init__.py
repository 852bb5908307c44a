"""The meaning of named arrays: their roles, the splits, and how they become predictions."""
