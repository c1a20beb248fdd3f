"""Where images come from: manifests, groups that splits keep together, fingerprints."""
