"""Remote files: read through fsspec in ranges that are remembered, or copied once to a temporary file."""
