"""Network architectures, one file per family. `charcnn.networks.catalogue` looks them up by name."""
