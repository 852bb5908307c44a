"""From sums to noise floors, intervals and tests, independent of the names of metrics."""
