"""Device, precision, several processes."""
