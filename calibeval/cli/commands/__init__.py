"""One module per command: it parses, reads, calls, renders and exits, and calculates nothing."""
