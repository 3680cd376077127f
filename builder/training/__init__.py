"""Trains in the images: one estimator for each framework of the matrix, planned purely and run by a target."""
