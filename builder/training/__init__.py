"""Trains in the images: one estimator for each framework of the matrix, planned purely and run by a target."""

from builder.training.distribution import Gloo, Mpi, Nccl
from builder.training.estimator import Estimator, PyTorch, estimator_for
from builder.training.kubernetes.target import KubernetesTarget
from builder.training.local import LocalTarget
from builder.training.values import ContainerRegistry, Environment, Input

__all__ = [
    "ContainerRegistry",
    "Environment",
    "Estimator",
    "Gloo",
    "Input",
    "KubernetesTarget",
    "LocalTarget",
    "Mpi",
    "Nccl",
    "PyTorch",
    "estimator_for",
]
