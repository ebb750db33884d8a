"""Verbs: each command of the terminal is one function here, of the same name, and a notebook calls the same.

``train``, ``evaluate``, ``predict``, ``summary`` and ``data`` string the rooms together and return values; they print
nothing. Only ``train`` needs TensorFlow.
"""
