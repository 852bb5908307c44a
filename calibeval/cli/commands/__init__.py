"""One file a command: it parses, reads, calls, renders and exits, and calculates nothing."""
