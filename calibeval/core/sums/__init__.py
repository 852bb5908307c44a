"""One pass over the rows leaves additive sums; nothing else reads scores."""
