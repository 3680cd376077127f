"""Runs as standard objects of Kubernetes: Job, PyTorchJob and MPIJob; the cluster schedules, we only describe."""
