"""What an evaluation found, exact in JSON both ways, and how far each number stands out of the noise."""
