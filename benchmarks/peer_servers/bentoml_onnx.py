"""BentoML with batches in ONNX Runtime; started by `bentoml serve`."""

import os

import bentoml
import numpy as np
import onnxruntime
from PIL.Image import Image


@bentoml.service(workers=1)
class Digits:
    def __init__(self):
        self.session = onnxruntime.InferenceSession(os.environ["MODEL"])

    @bentoml.api(route="/predict", batchable=True, max_batch_size=16, max_latency_ms=1000)
    def predict(self, images: list[Image]) -> list[list[float]]:
        pixels = np.stack([np.asarray(one.convert("L"))[:, :, None] for one in images])
        return self.session.run(["probabilities"], {self.session.get_inputs()[0].name: pixels})[0].tolist()
