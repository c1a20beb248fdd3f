"""Datasets in one file or array, in and out."""
