"""A container registry over HTTP: connections, tokens, manifests, blobs and referrers."""
