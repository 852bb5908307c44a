"""Numbers and verdicts in words, the same for every medium: text in, text out."""
