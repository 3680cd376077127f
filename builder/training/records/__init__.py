"""The record of each run: what it was, how it ended, and how both are removed."""
