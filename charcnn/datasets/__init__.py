"""Folders of images, their labels, their splits, and the arrays that they become; never torch."""
