"""Recalibration maps, fitted on one dump and applied to others; with numpy and, for some methods, scipy."""
