"""Trains in the images. An estimator describes a run, a plan fixes it, and a target runs it."""

from builder.training.estimator import Estimator, PyTorch, estimator_for
from builder.training.kubernetes.target import KubernetesTarget
from builder.training.local.target import LocalTarget
from builder.training.request.argument_types import ContainerRegistry, Environment, Input, Module
from builder.training.request.distribution import Gloo, Mpi, Nccl

__all__ = [
    "ContainerRegistry",
    "Environment",
    "Estimator",
    "Gloo",
    "Input",
    "KubernetesTarget",
    "LocalTarget",
    "Module",
    "Mpi",
    "Nccl",
    "PyTorch",
    "estimator_for",
]
