"""Train: a ``Spec`` and a ``Dataset`` come in, a ``Run`` and trained weights go out.

Cool: ``options`` (the choices, and each preset's recipe), ``schedule`` (the learning rate as a function of the step),
``run`` (the record of what happened, and its folder), ``recorder`` (learning curves while they are made), ``stem``,
``scale``. HOT: ``fit`` (the compiled loop), ``optimizer``, ``augment``.
"""
