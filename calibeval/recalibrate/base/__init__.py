"""What every map is, and the scores that it takes."""
