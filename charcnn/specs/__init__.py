"""Specifications: image preprocessing, training settings, model cards. No torch."""
