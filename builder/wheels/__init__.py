"""Locked wheels as layers of images, on this host: the same bytes for every row, image and day."""
