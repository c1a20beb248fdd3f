"""Read characters with ONNX Runtime. Does not use torch."""
