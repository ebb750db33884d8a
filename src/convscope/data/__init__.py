"""Data: bytes come in, a ``Dataset`` goes out.

``dataset`` (cool) is the value and its splits, ``preprocess`` (cool) turns any picture into the network's input,
``readers`` (hot) opens files that may lie, ``mnist/`` is the one data set in the box.
"""
