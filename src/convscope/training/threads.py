"""How many threads compute one operation of a training. Light: the standard library only.

The number decides in how many parts a sum is computed, and with it the last bits of the weights. So it is an option of
a training, recorded like the seed.
"""

from __future__ import annotations

import os


def default_threads() -> int:
    """TensorFlow's default: ``TF_NUM_INTRAOP_THREADS``, else the number of cores that this process may use.

    Example:
        >>> default_threads() >= 1
        True
    """
    wanted = os.environ.get("TF_NUM_INTRAOP_THREADS", "")
    if wanted.isdecimal() and int(wanted):
        return int(wanted)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return cores or 1
