"""One training on several processes and machines.

In: the addresses of the workers, or a number of processes. Out: the same training step, whose shards are computed by
all of them. `cluster` and `processes` are light; `workers` is heavy: it connects TensorFlow with the other workers.
"""
