"""matrix.yaml as values: cells, pins, probes, versions, names and selections."""
