"""A survey from names to results: files are found, and each cell is measured as `report` measures it."""
