"""The results of an evaluation, with an exact JSON round trip, and how far each number lies beyond the noise."""
