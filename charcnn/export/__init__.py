"""Export models to files for other programs, and verify the files. Only the export to ONNX works without torch."""
