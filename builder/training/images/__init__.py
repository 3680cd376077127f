"""The image that a run starts in: found on this engine, or in the registry that a cluster pulls from."""
