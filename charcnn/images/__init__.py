"""Image processing: read, write, fit and rotate images with numpy, OpenCV and Pillow. Does not use torch."""
