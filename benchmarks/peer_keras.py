"""Baseline: Keras "simple MNIST convnet" recipe (34,826 parameters), trained with model.fit until 99.0 % test accuracy.

Recipe: conv 32 3x3 relu, maxpool 2, conv 64 3x3 relu, maxpool 2, flatten, dropout 0.5, dense 10 softmax;
Adam (defaults), batch 128, categorical cross-entropy, validation_split 0.1, float32 data in memory.
One fit call, timed from its start (tracing and validation included) to the end of the epoch that first reaches the
target. The time of our test evaluations is subtracted.
"""

import argparse
import json
import os
import platform
import time

import numpy as np


def load(path):
    """(x_train, y_train), (x_test, y_test): uint8 images (n, 28, 28) and labels (n,) from an .npz of those names."""
    with np.load(path) as arrays:
        return tuple((arrays[f"x_{part}"], arrays[f"y_{part}"]) for part in ("train", "test"))


def main():
    a = argparse.ArgumentParser()
    a.add_argument("data", help="an .npz with x_train, y_train, x_test, y_test")
    a.add_argument("--seed", type=int, default=0)
    a.add_argument("--limit-epochs", type=int, default=15)
    a.add_argument("--target", type=float, default=0.99)
    a = a.parse_args()
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf

    layers = keras.layers
    (x, y), (xt, yt) = load(a.data)
    x, xt = (v.astype(np.float32)[..., None] / 255 for v in (x, xt))
    y, yt = keras.utils.to_categorical(y, 10), keras.utils.to_categorical(yt, 10)
    keras.utils.set_random_seed(a.seed)
    model = keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    assert model.count_params() == 34_826
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    # the test evaluation after each epoch runs in its own compiled function, so fit keeps its own state
    predict = tf.function(lambda v: tf.argmax(model(v, training=False), 1))
    truth = yt.argmax(1)
    state = {"away": 0.0, "epochs": 0, "accuracy": 0.0, "fit": 0.0}

    class UntilTarget(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            t = time.perf_counter()
            hits = sum(
                int((predict(xt[i : i + 1000]).numpy() == truth[i : i + 1000]).sum()) for i in range(0, len(xt), 1000)
            )
            state.update(epochs=epoch + 1, accuracy=hits / len(xt), fit=t - start - state["away"])
            print(
                f"epoch {epoch + 1}: {state['fit']:.1f} s, test {state['accuracy']:.4f}",
                flush=True,
            )
            self.model.stop_training = state["accuracy"] >= a.target
            state["away"] += time.perf_counter() - t

    start = time.perf_counter()
    model.fit(x, y, batch_size=128, epochs=a.limit_epochs, validation_split=0.1, verbose=0, callbacks=[UntilTarget()])
    print(
        json.dumps(
            {
                "peer": "keras-simple-mnist-convnet",
                "seconds": round(state["fit"], 2),
                "epochs": state["epochs"],
                "accuracy": state["accuracy"],
                "reached": state["accuracy"] >= a.target,
                "seed": a.seed,
                "params": model.count_params(),
                "versions": {
                    "python": platform.python_version(),
                    "tensorflow": tf.__version__,
                    "keras": keras.__version__,
                    "numpy": np.__version__,
                },
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
