"""How well a model reads: the scores of each image, and the metrics made of them; never torch."""
