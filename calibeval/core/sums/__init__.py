"""One pass over the rows gives additive sums; nothing else reads the scores."""
