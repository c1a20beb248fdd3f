"""From a character to images of it: numpy and OpenCV, never torch."""
