"""One file a format: a file becomes named arrays, and nothing is known of what they mean."""
