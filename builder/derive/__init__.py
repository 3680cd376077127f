"""Adds somebody's own packages to a framework image as one layer, and leaves the packages of the image as they are."""

from builder.derive.api import derive
from builder.derive.request import Derived, Request, Surroundings

__all__ = ["Derived", "Request", "Surroundings", "derive"]
