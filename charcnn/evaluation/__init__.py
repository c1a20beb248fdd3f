"""How well a model reads: metrics from the confusion matrix, and the scoring of a dataset; never torch."""
