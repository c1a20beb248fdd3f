"""Evaluate models: score each image and compute metrics. Does not use torch."""
