"""Reading dumps from files: one module per format, and one place that decides what the arrays mean."""
