"""Trained models: versions, cards, aliases, evaluations, runs, bundles. No torch."""
