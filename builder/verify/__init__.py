"""The checks of an image, and what it holds."""
