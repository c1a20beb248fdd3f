"""Synthetic handwriting: from a character to images of it. NumPy and OpenCV, no torch."""
