"""Training of heads on cached features, with the losses of `calibeval.losses`; needs torch, and knows no files."""
