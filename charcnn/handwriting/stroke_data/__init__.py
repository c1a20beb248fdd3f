"""The strokes of 9,574 Chinese characters and parts of them; README.md says where from, and under which licence."""

EM = 256
"""Units of an em in the data."""
