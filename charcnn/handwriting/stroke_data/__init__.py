"""Strokes of 9,574 Chinese characters and components. See README.md for their source and license."""

EM = 256
"""Data units per em."""
