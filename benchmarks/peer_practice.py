"""Baseline for other people's images: a Keras recipe as tutorials have it, with augmentation and early stopping.

Rescaling; random flip, rotation and zoom; three convolutions (32, 64, 128) with batch normalization, each followed by
max pooling; global average pooling; dropout 0.3; Dense. Adam, batch 32, early stopping on the validation accuracy with
a patience of 10 that restores the best weights. Prints CPU seconds of `fit` and the test accuracy, as JSON.
"""

import argparse
import json
import os
import time

import numpy as np


def main():
    a = argparse.ArgumentParser()
    a.add_argument("data", help="an .npz with x_train, y_train, x_val, y_val, x_test, y_test")
    a.add_argument("--seed", type=int, default=0)
    a.add_argument("--epochs", type=int, required=True)
    a.add_argument("--no-flip", action="store_true")
    a = a.parse_args()
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf

    layers = keras.layers
    with np.load(a.data) as z:
        parts = {name: (z[f"x_{name}"], z[f"y_{name}"].astype(np.int32)) for name in ("train", "val", "test")}
    x, y = parts["train"]
    keras.utils.set_random_seed(a.seed)
    augmentation = [layers.RandomRotation(0.05), layers.RandomZoom(0.1)]
    if not a.no_flip:
        augmentation.insert(0, layers.RandomFlip("horizontal"))
    augmentation = keras.Sequential(augmentation)

    def stage(filters):
        return [
            layers.Conv2D(filters, 3, padding="same"),
            layers.BatchNormalization(momentum=0.9),  # with the default of 0.99, 15 steps an epoch are too few
            layers.ReLU(),
            layers.MaxPooling2D(2),
        ]

    model = keras.Sequential(
        [
            keras.Input(x.shape[1:]),
            layers.Rescaling(1 / 255),
            *stage(32),
            *stage(64),
            *stage(128),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.3),
            layers.Dense(int(y.max()) + 1, activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    train = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x), seed=a.seed).batch(32)
    train = train.map(lambda images, labels: (augmentation(images, training=True), labels)).prefetch(2)
    val = tf.data.Dataset.from_tensor_slices(parts["val"]).batch(256)
    curve = []
    began, before = time.perf_counter(), os.times()

    class Curve(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            now = os.times()
            cpu = now.user + now.system - before.user - before.system
            curve.append({"epoch": epoch + 1, "cpu": round(cpu, 1), "validation": round(logs["val_accuracy"], 4)})

    stop = keras.callbacks.EarlyStopping(monitor="val_accuracy", patience=10, restore_best_weights=True)
    model.fit(train, validation_data=val, epochs=a.epochs, verbose=0, callbacks=[Curve(), stop])
    after = os.times()
    predicted = model.predict(parts["test"][0], batch_size=256, verbose=0).argmax(1)
    print(
        json.dumps(
            {
                "accuracy": float((predicted == parts["test"][1]).mean()),
                "cpu_seconds": round(after.user + after.system - before.user - before.system, 1),
                "seconds": round(time.perf_counter() - began, 1),
                "epochs": len(curve),
                "parameters": model.count_params(),
                "curve": curve,
            }
        )
    )


if __name__ == "__main__":
    main()
