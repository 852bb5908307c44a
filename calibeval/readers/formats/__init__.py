"""One module per format: it turns a file into named arrays whose meaning is not yet known."""
