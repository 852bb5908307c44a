"""What readers, training, rendering and runs share: features, layers, and the results of a training."""
