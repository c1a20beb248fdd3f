"""A model → files for other programs, each checked before it is used. Only ONNX needs no torch."""
