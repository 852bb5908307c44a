"""A training run from files to files: it reads features, writes a run folder, and can be resumed."""
