"""The network behind LitServe with ONNX Runtime and one worker, as LitServe's documentation shows."""

import io
import os
import sys

import litserve
import numpy as np
import onnxruntime
from PIL import Image


class Digits(litserve.LitAPI):
    """A service that reads the digit in an uploaded file."""

    def setup(self, device: str) -> None:
        """Loads the network."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(os.environ["PEER_ONNX"], options)
        self.input = self.session.get_inputs()[0].name

    def decode_request(self, request):
        """Returns the pixels of the uploaded file, white on black: float32 array of shape (1, 28, 28), 0..1."""
        image = Image.open(io.BytesIO(request["file"].file.read())).convert("L").resize((28, 28))
        return 1.0 - np.asarray(image, dtype=np.float32)[np.newaxis] / 255.0

    def predict(self, pixels):
        """Returns the ten probabilities."""
        return self.session.run(None, {self.input: pixels})[0][0]

    def encode_response(self, probabilities):
        """Returns the digit and the probabilities as the JSON answer."""
        return {"predicted_digit": int(probabilities.argmax()), "probabilities": probabilities.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Digits(api_path="/predict/"), accelerator="cpu")
    server.run(port=int(sys.argv[1]), host="127.0.0.1", generate_client_file=False, log_level="warning")
