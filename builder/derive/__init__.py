"""A person's own environment as one thin layer on a framework image, without moving what the image holds."""

from builder.derive.api import derive
from builder.derive.request import Derived, Request, Surroundings

__all__ = ["Derived", "Request", "Surroundings", "derive"]
