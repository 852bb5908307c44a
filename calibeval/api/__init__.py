"""The public functions: they join readers, core, recalibration, renderers, writers and runs, and calculate nothing."""
