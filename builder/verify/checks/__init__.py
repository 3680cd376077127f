"""The checks that run against a built image; `builder.verify.run_checks` collects them by path."""
