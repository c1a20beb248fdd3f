"""Datasets that charcnn generates: rotated copies, synthetic handwriting, the starter set."""
