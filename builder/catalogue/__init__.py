"""What people read about images: the catalogue, references, image-info.json and comparisons."""
