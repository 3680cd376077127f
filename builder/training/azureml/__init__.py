"""A run as a command job of Azure ML v2: written down, never submitted."""
