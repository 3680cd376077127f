"""What several verbs share; verbs import from here, never from each other."""
