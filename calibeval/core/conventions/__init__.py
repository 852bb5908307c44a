"""Other tools' numbers: the facts that decide them, as fields of a table."""
