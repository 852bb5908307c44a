"""The maps other than temperature scaling, one per file."""
