"""Datasets that charcnn writes: rotated copies, synthetic handwriting, the starter set."""
