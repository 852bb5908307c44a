"""Training of heads on cached features with the losses of `calibeval.losses`; needs torch, does not access files."""
