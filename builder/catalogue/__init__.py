"""What people read about images: catalogue pages, references, image-info.json and comparisons."""
