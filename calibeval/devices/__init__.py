"""Sums of rows where they lie: torch tensors on a device are added up there, in float64; the core gets the sums."""
