"""Reading characters with ONNX Runtime (never torch), and the exporters (which need torch)."""
