"""What named arrays mean: roles, splits and how they make predictions."""
