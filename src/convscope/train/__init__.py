"""Train: a ``Spec`` and a ``Dataset`` come in, a ``Run`` and trained weights go out.

``options`` (cool) are the choices and each preset's recipe, ``schedule`` (cool) is the learning rate as a function of the
step, ``run`` (cool) is the record of what happened and its folder, ``fit`` (HOT) is the compiled training loop.
"""
