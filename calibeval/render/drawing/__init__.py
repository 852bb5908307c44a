"""What diagrams show, as marks in plain numbers, and SVG of them; pages and figures draw nothing else."""
