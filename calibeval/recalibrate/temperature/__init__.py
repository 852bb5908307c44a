"""Temperature scaling at the exact optimum, for dumps of any size."""
