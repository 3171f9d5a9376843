"""The network behind BentoML with ONNX Runtime and one worker, as BentoML's documentation shows."""

import os

import bentoml
import numpy as np
import onnxruntime
from PIL.Image import Image


@bentoml.service(workers=1)
class Digits:
    """A service that reads the digit in an uploaded file."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["PEER_ONNX"], options)
        self.input = self.session.get_inputs()[0].name

    @bentoml.api(route="/predict/")
    def predict(self, file: Image) -> dict[str, object]:
        """Returns the digit of an image file and the ten probabilities."""
        pixels = 1.0 - np.asarray(file.convert("L").resize((28, 28)), dtype=np.float32)[np.newaxis] / 255.0
        probabilities = self.session.run(None, {self.input: pixels})[0][0]
        return {"predicted_digit": int(probabilities.argmax()), "probabilities": probabilities.tolist()}
