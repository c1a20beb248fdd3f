"""Networks, one file per family; `charcnn.networks.catalogue` finds them by name."""
