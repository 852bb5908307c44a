"""Numbers and verdicts in words, once for every medium: text in, text out."""
