"""Train networks and save them as versions in the registry."""
