"""Writes a run as a command job of Azure ML v2. Nothing is submitted."""
