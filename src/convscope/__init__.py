"""Train a convolutional network from scratch, see through it, hand it over."""

__version__ = "0.1.0"
