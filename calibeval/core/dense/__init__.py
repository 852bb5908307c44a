"""Segmentations: what is measured image by image, near borders and by structure, from sums of each image."""
