"""Data: files or arrays come in, a ``Dataset`` comes out.

Light: ``dataset`` (the value and its splits), ``preprocess`` (any image to the network's input), ``build_dataset``,
``pixel_values``, ``data_checks``. Heavy (reads files): ``readers``, ``scan``, ``image_input``, and ``formats/``, one
module per format. ``checks/`` has one module per data check; ``mnist/`` is the dataset in the package.
"""
