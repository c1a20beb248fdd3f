"""Where images come from: manifests, groups that a split keeps together, fingerprints."""
