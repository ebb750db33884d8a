"""Model: a name or a text file comes in, a ``Spec`` and then a trained ``Model`` go out.

``layers`` and ``spec`` (cool) hold an architecture as data, ``presets`` (cool) names three of them, ``forward`` and
``ops`` (cool) are the NumPy engine that keeps every activation, ``artifact`` and ``tensorfile`` (cool) are the model
file, ``files`` (cool) writes it whole or not at all. ``build`` (HOT) makes a Keras model, ``tensorflow`` (HOT) is the
one door to TensorFlow.
"""
