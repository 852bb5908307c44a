"""From sums to floors, intervals and tests; knows no metric by name."""
