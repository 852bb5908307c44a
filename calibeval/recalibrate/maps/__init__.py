"""One file a map with more parameters than a temperature."""
