"""The terminal: progress while a command runs, the width, colours and characters, and the help."""
