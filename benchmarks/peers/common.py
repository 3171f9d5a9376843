"""The common design: a FastAPI endpoint that calls Keras' `model.predict`."""

import io
import os

import keras
import numpy as np
from fastapi import FastAPI, UploadFile
from PIL import Image

app = FastAPI()
model = keras.models.load_model(os.environ["PEER_KERAS"])


@app.post("/predict/")
async def predict(file: UploadFile) -> dict[str, object]:
    """Returns the digit of an image file and the ten probabilities."""
    image = Image.open(io.BytesIO(await file.read())).convert("L").resize((28, 28))
    pixels = 1.0 - np.asarray(image, dtype=np.float32)[np.newaxis] / 255.0
    probabilities = model.predict(pixels, verbose=0)[0]
    return {"predicted_digit": int(probabilities.argmax()), "probabilities": probabilities.tolist()}
