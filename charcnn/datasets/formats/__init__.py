"""Dataset formats: idx files and packed arrays."""
