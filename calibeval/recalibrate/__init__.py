"""Maps fitted on one dump and applied to others; numpy and, where a method needs it, scipy."""
