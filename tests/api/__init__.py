"""What a notebook calls: the verbs as functions."""
