"""The networks, one file per family, found by name through `charcnn.networks.catalogue`."""
