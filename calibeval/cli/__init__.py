"""The command line: each command parses, reads, calls, renders and exits; it calculates nothing."""
