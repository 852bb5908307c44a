"""A training from files to files: features in, a run folder out, resumed where it was stopped."""
