"""Words that readers, training, rendering and runs share: features, layers, and what a training found."""
