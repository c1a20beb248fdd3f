"""Train networks and save them as versions in the registry."""

from charcnn.machine import limit_openmp_spinning

limit_openmp_spinning()  # before the modules of this package import torch, and OpenMP with it
