"""Training: a ``Spec`` and a ``Dataset`` come in, a ``Run`` and trained weights go out.

Light: ``options``, ``config``, ``schedule``, ``run`` (the record), ``history``, ``checkpoint``, ``lock``,
``resume_check``, ``patch_whitening``, ``scale_invariance``. Heavy (TensorFlow): ``fit``, ``optimizer``, ``augment``.
"""
