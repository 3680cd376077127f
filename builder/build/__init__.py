"""From rows to images: rendering, planning, BuildKit, and the queue of a run."""
