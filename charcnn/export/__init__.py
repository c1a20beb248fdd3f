"""A model → files for other programs, each checked against it. Needs torch."""
