"""From predictions to a report: one dump, its slices, and rows that depend on each other."""
