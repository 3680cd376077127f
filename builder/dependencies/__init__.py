"""What the images are made of: the lock, the package index, wheels, Debian packages, and what of them conflicts."""
