"""Read characters with ONNX Runtime; never torch."""
