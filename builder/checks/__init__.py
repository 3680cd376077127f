"""The checks that run against a built image; `builder.verify` collects them by path."""
