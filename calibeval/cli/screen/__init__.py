"""What a person sees while a command runs: progress, and how wide and colourful the terminal is."""
