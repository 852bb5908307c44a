"""Who reads the rows of a dump beside this process; whatever it is, the numbers stay the same, bit by bit."""
