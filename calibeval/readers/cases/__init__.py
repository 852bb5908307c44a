"""Folders with one file a case and another folder of labels: from names of files to cases, one in memory at a time."""
