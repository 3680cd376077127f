"""The flags and options of the verbs. They are light to import, because `--help` imports all of them."""
