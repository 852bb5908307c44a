"""The self-contained page, one file a subject."""
