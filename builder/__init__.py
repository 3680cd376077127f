"""Builds, verifies and tags container images of machine-learning frameworks from one matrix."""

__version__ = "0.1.0"
