"""FastAPI on uvicorn with Keras's `predict`: what a tutorial builds."""

import io
import os
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import uvicorn
from fastapi import FastAPI, Request
from PIL import Image

app = FastAPI()
model = keras.saving.load_model(sys.argv[1])


@app.post("/predict")
async def predict(request: Request) -> list[float]:
    pixels = np.asarray(Image.open(io.BytesIO(await request.body())).convert("L"))
    return model.predict(pixels[None, :, :, None], verbose=0)["probabilities"][0].tolist()


uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")
