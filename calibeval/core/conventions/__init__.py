"""The numbers of other tools: what determines them, as fields of a table."""
