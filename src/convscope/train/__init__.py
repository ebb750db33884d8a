"""Train: a ``Spec`` and a ``Dataset`` come in, a ``Run`` and trained weights go out.

Cool: ``options`` (the choices, and each preset's recipe), ``schedule`` (the learning rate as a function of the step),
``run`` (the record of what happened, and its folder), ``config`` (the options as a file), ``checkpoint``, ``lock`` and
``identity`` (going on as if nothing had happened), ``recorder`` (learning curves while they are made), ``stem``,
``scale``. HOT: ``fit`` (the compiled loop), ``optimizer``, ``augment``.
"""
