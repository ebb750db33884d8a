"""LitServe with batches in ONNX Runtime."""

import base64
import io
import sys

import litserve
import numpy as np
import onnxruntime
from PIL import Image


class Digits(litserve.LitAPI):
    def setup(self, device):
        self.session = onnxruntime.InferenceSession(sys.argv[1])

    def decode_request(self, request):
        data = base64.b64decode(request["image"])
        return np.asarray(Image.open(io.BytesIO(data)).convert("L"))[:, :, None]

    def batch(self, inputs):
        return np.stack(inputs)

    def predict(self, pixels):
        return self.session.run(["probabilities"], {self.session.get_inputs()[0].name: pixels})[0]

    def unbatch(self, output):
        return list(output)

    def encode_response(self, output):
        return {"probabilities": output.tolist()}


if __name__ == "__main__":
    api = Digits(max_batch_size=16, batch_timeout=0.002)
    litserve.LitServer(api, accelerator="cpu").run(
        port=int(sys.argv[2]), generate_client_file=False, log_level="warning"
    )
