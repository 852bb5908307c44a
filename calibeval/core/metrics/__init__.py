"""Calibration metrics: bins, binned errors, scores, noise floors and intervals."""
