"""The temperature at the exact optimum, whatever the size of the dump."""
