"""What images are made of: the lock, the package index, wheels, Debian packages, and their conflicts."""
