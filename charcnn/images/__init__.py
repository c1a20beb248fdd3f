"""Pixels: reading, writing, fitting and turning images, with numpy, OpenCV and Pillow; never torch."""
