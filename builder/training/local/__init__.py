"""Runs on the engine of this machine: containers, their output, and their end."""
