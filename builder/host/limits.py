"""How much of what others made is read, and for how long: every bound in bytes and in seconds.

What is larger or slower than this is an error, and nothing of it is used. Labels and files that people write have
their bounds where they are parsed: `matrix.promise`, `matrix.derived_label` and `matrix.yaml_positions`.
"""

OUTPUT_BYTES = 64 << 20
"""What a program prints on each of its two streams, on this host or in a container."""
ARCHIVE_BYTES = 256_000_000
"""The package records of an image, as a tar: those of a real image are a hundredth of it."""
COMMAND_SECONDS = 120.0
"""One command of a check in a container."""
VERIFY_SECONDS = 1_800.0
"""A whole verification, unless `--verify-seconds` says otherwise."""
REGISTRY_SECONDS = 300.0
"""One operation on a registry with all attempts, unless `--registry-seconds` says otherwise."""
BLOB_SECONDS = 6 * 3600.0
"""The same for a blob, as long as its bytes move: some GB take an hour on a slow line."""
SILENT_SECONDS = 60.0
"""How long a server may send nothing; also the time that one below the least rate is given."""
LEAST_RATE = 4 << 10
"""Bytes in a second, from the beginning of an answer: a server that drips is one that does not answer."""
MANIFEST_BYTES = 4 << 20
"""A manifest, an index or a configuration. The specification asks every registry to take that much."""
JSON_DEPTH = 100
"""Levels of a document that a registry, an image or a file brings; the deepest of ours, an SBOM, has 12."""
TOKEN_BYTES = 1 << 20
"""The answer of a token server."""
SECRET_BYTES = 1 << 20
"""A file of `--secret`; Kubernetes, too, takes no more."""
ADVISORIES = 500_000
"""The records of a database; OSV's of all ecosystems together are fewer."""
ADVISORY_BYTES = 4 << 20
"""One record; the largest real ones list a hundred thousand versions."""
WHEEL_FILES = 100_000
"""The entries of a wheel; torch has 15,000."""
WHEEL_BYTES = 20_000_000_000
"""The content of a wheel, unpacked."""
WHEEL_RATIO = 100
"""How many times as large as its file the content of a wheel may be; real ones are below 10."""
METADATA_BYTES = 16 << 20
"""Each file of a wheel's dist-info: a RECORD of 100,000 lines fits."""
LAYER_CACHE_BYTES = 40_000_000_000
"""The layers that this host keeps; those of all rows of the matrix take a quarter of it."""
LAYER_CACHE_SECONDS = 30 * 86_400.0
"""How long one is kept that nothing uses."""
