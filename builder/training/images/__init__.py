"""Finds the image of a run: on this engine, or in the registry from which a cluster pulls."""
