"""Metrics of calibration: bins, binned errors, scores, floors and intervals."""
