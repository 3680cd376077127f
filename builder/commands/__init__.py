"""One verb a module, each with `run(options) -> exit code`."""
