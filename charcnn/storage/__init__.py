"""Atomic files and folders, hashes, locks and paths, for every package that writes."""
