"""Many dumps with axes: which cell a name stands for, means over cells, changes; no file is read here."""
