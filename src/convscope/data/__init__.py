"""Data: bytes come in, a ``Dataset`` goes out.

Light: ``dataset`` (the value and its splits) and ``preprocess`` (any image to the network's input). Heavy (disk):
``readers`` and the formats. ``mnist/`` is the dataset that ships with the package.
"""
