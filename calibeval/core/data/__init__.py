"""The input: checked when it is created, and in one common shape afterwards."""
