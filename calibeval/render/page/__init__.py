"""The self-contained page, one file per subject."""
