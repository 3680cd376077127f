"""The machine that runs the builder: its site, engine, processes, files, cache and limits."""
