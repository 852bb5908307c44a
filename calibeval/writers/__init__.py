"""Files that calibeval writes: complete or not at all."""
