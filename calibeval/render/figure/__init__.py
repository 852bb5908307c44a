"""The reliability diagram as a picture for papers and pages."""
