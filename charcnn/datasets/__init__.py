"""Datasets: folders of images, labels, splits, arrays. No torch."""
