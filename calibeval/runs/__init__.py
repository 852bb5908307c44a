"""Work from files to files: trainings, which can be resumed, and written dumps, which are read back."""
