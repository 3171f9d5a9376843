from pathlib import Path

import httpx
import numpy as np
import pytest

from digits.data.mnist import Mnist
from tests.conftest import ROOT, Server, encode_png, start_api


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"DIGITS_MODEL": "nowhere.keras"}, "There is no model file nowhere.keras. Name one that exists"),
        ({"DIGITS_MODEL": "README.md"}, "The model file README.md cannot be used: it is damaged or not a .keras file"),
        ({"DIGITS_MAX_BYTES": "many"}, "DIGITS_MAX_BYTES is 'many'"),
        ({"DIGITS_MAX_BATCH_FILES": "0"}, "DIGITS_MAX_BATCH_FILES is '0'"),
        ({"DIGITS_FORMATS": "png,svg"}, "DIGITS_FORMATS is 'png,svg': SVG is not among PNG, JPEG"),
        ({"DIGITS_RATE_LIMIT": "lots"}, "DIGITS_RATE_LIMIT is 'lots': it must be like 100/minute"),
        (
            {"DIGITS_API_KEYS": "till secret"},
            "DIGITS_API_KEYS: entry 1 cannot be read; it is a name, a space, and a key",
        ),
        ({"DIGITS_API_KEYS_FILE": "nowhere"}, "DIGITS_API_KEYS_FILE: nowhere cannot be read (No such file"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value.values())),
)
def test_a_start_that_cannot_succeed_ends_with_one_line(
    tmp_path: Path, environment: dict[str, str], message: str
) -> None:
    (tmp_path / "api").symlink_to(ROOT / "api")
    (tmp_path / "README.md").write_text("not a model")
    server: Server = start_api(tmp_path, **environment)
    try:
        assert server.process.wait(30) != 0
    finally:
        server.stop()
    errors = [line for line in server.output().splitlines() if "ERROR" in line]
    assert message in errors[0]
    assert len(errors) == 2  # The message, and the server's own "Application startup failed. Exiting."
    assert "Traceback" not in server.output()


def test_a_foreign_keras_file_is_served_too(tmp_path: Path, mnist: Mnist) -> None:
    from digits.training.keras_install import require_keras

    require_keras()
    import keras

    model = keras.Sequential(
        [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    model.fit(mnist.x_train[:20_000, ..., None] / 255.0, mnist.y_train[:20_000], epochs=1, verbose=0)
    model.save(tmp_path / "foreign.keras")
    (tmp_path / "api").symlink_to(ROOT / "api")
    server = start_api(tmp_path, DIGITS_MODEL="foreign.keras")
    try:
        server.wait_until("/health/ready")
        assert httpx.get(server.url + "/model").json()["test_accuracy"] is None
        answers = [
            httpx.post(server.url + "/predict/", files={"file": encode_png(image)}).json()["predicted_digit"]
            for image in mnist.x_test[:200]
        ]
    finally:
        server.stop()
    assert np.mean(np.array(answers) == mnist.y_test[:200]) > 0.8
