"""The runs that are kept: the record of each, its handle, and its removal."""
