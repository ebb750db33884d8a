"""One of several workers that train `quick` with many seeds, one after another; ``cluster.py`` starts it.

    python proofs/cluster_worker.py ADDRESSES RANK FIRST_SEED SEEDS

A line for each seed: the SHA-256 of weights and history.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import asdict, replace

os.environ["TF_NUM_INTRAOP_THREADS"] = "1"

from convscope.api.load_data import load_data
from convscope.data.splits import stratified_split
from convscope.distributed.cluster import Cluster
from convscope.model.model_file import weights_sha256
from convscope.model.presets import load_spec
from convscope.training.options import TrainOptions, resolve

IMAGES = 3_000


def main() -> None:
    addresses, (rank, first, count) = sys.argv[1].split(","), map(int, sys.argv[2:])
    workers = None
    if len(addresses) > 1:
        from convscope.distributed.workers import connect

        workers = connect(Cluster(tuple(addresses), rank))
    from convscope.training.fit import fit

    whole = load_data("mnist").train
    spec = load_spec("quick", input_shape=whole.image_shape, num_classes=10)
    few = replace(whole, pixels=whole.pixels[:IMAGES], labels=whole.labels[:IMAGES])
    training, validation = stratified_split(few, fraction=0.1, seed=0)
    for seed in range(first, first + count):
        options = resolve(TrainOptions(model="quick", precision="float32", seed=seed, shards=4, epochs=3))
        fitted = fit(spec, training, validation, options, workers=workers)
        history = [asdict(row) for row in fitted.history]
        told = json.dumps([fitted.outcome, weights_sha256(fitted.weights), history])
        print(hashlib.sha256(told.encode()).hexdigest(), flush=True)
    os._exit(0)  # TensorFlow takes most of a second to shut down


if __name__ == "__main__":
    main()
