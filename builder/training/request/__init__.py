"""What is asked of a training run: the arguments of an estimator, checked, as values; nothing here starts anything."""
