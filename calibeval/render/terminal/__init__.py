"""What a terminal shows, one file per subject."""
