"""Model: a name or a text file comes in, a ``Spec`` and then a trained ``Model`` go out.

Light: ``layers`` (one module for each layer kind), ``spec`` (the architecture as data), ``presets``, ``forward`` and
``ops`` (the NumPy engine), ``model_file`` and ``safetensors_io`` (the file). Heavy: ``build`` (makes a Keras model) and
``tensorflow`` (the only import of it).
"""
