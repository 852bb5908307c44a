"""From predictions to a report: one dump, its slices, and groups of dependent rows."""
