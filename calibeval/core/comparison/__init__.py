"""Two models held against each other: which rows belong together, and what the sample says of each difference."""
