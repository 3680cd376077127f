"""Runs on the engine of this machine: their containers, their output, and their end."""
