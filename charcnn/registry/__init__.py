"""Trained models: versions, cards, aliases, evaluations, runs, bundles. Without torch."""
