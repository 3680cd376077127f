"""What is known to be wrong with what is locked: advisories, whom they affect, what mends it, and what is accepted."""
