"""The run that is asked for: arguments of an estimator, checked and planned. Nothing here starts anything."""
