"""`classic`: the training loop compared with `model.fit` and with matrix multiplication, alternating in one process.

    python benchmarks/rate.py

A multiply-add counts as two operations. Counted are the forward pass and weight gradient of every convolution and dense
layer, and the input gradient of all but the first. Writes docs/figures/rate.json.
"""

from __future__ import annotations

import statistics
import time

import numpy as np
from record import write

from convscope.data.readers import load
from convscope.data.splits import epoch_order
from convscope.model.build import build
from convscope.model.presets import load_spec
from convscope.model.tensorflow import keras, tf
from convscope.training.loop import TrainingLoop
from convscope.training.options import TrainOptions, resolve

IMAGES, ROUNDS, SIDE = 1536, 7, 2048


def matmul_rate() -> float:
    """The faster of NumPy's and TensorFlow's float32 matrix multiplication, in operations per second."""
    a, b = (np.random.default_rng(i).random((SIDE, SIDE), dtype=np.float32) for i in (0, 1))
    x, y = tf.constant(a), tf.constant(b)
    best = 0.0
    for product in (lambda: a @ b, lambda: tf.matmul(x, y).numpy()):
        product()
        began = time.perf_counter()
        for _ in range(5):
            product()
        best = max(best, 5 * 2 * SIDE**3 / (time.perf_counter() - began))
    return best


def main() -> None:
    data = load("mnist").train
    data = data.take(epoch_order(len(data), seed=0, epoch=0)[:IMAGES])
    spec = load_spec("classic", input_shape=(28, 28, 1), num_classes=10)
    first, *rest = [row.multiply_adds for row in spec.table() if row.multiply_adds]
    operations = 2 * (2 * first + 3 * sum(rest))
    options = resolve(TrainOptions(model="classic", epochs=1000.0, shift=0))
    loop = TrainingLoop(spec, data, options)
    loop.trace()
    model = build(spec)
    model.compile(keras.optimizers.Adam(0.0015), "sparse_categorical_crossentropy", metrics=["accuracy"])
    images, labels = data.pixels.astype(np.float32) / 255, data.labels
    steps = IMAGES // options.batch_size

    def ours(turn: int) -> None:
        loop._call(turn * steps, steps)

    def fit(turn: int) -> None:
        model.fit(images, labels, batch_size=options.batch_size, verbose=0)

    rates: dict[str, list[float]] = {"ours": [], "fit": [], "matmul": []}
    for turn in range(ROUNDS + 1):
        for name, work in (("ours", ours), ("fit", fit)):
            began = time.perf_counter()
            work(turn)
            rates[name].append(IMAGES * operations / (time.perf_counter() - began))
        rates["matmul"].append(matmul_rate())
        print(f"round {turn}: " + ", ".join(f"{key} {value[-1] / 1e9:.0f} GFLOP/s" for key, value in rates.items()))
    kept = {name: values[1:] for name, values in rates.items()}
    medians = {name: statistics.median(values) for name, values in kept.items()}
    shares = [mine / product for mine, product in zip(kept["ours"], kept["matmul"], strict=True)]
    ratios = [mine / theirs for mine, theirs in zip(kept["ours"], kept["fit"], strict=True)]
    summary = {f"{name}_gflops": value / 1e9 for name, value in medians.items()}
    summary |= {"share_of_matmul": statistics.median(shares), "ours_over_fit": statistics.median(ratios)}
    write("rate", {"summary": summary, "batch_size": options.batch_size, "images": IMAGES, "rounds": kept})


if __name__ == "__main__":
    main()
