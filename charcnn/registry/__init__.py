"""Where trained models live: versions, cards, aliases, verification; never torch."""
