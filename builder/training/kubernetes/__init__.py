"""Runs on a cluster, as objects of the kinds Job, PyTorchJob and MPIJob. The cluster schedules them."""
