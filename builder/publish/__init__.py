"""Verified images to registries: blobs, manifests, sets of tags, and what is live there."""
