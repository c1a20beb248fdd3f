"""From a `TrainConfig` to a version in the registry."""
