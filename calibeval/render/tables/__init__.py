"""Tables for documents and programs: Markdown, LaTeX, CSV and pandas."""
