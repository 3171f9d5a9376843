"""Reads a model that was made outside Digits in a process of its own.

TensorFlow, once it is loaded, keeps some hundred megabytes until its process ends. A server that took such a model, or
tried to, would keep them for good.

    python -m digits.model.convert_apart MODEL FOLDER

writes `told.json` to the folder, and `model.onnx` if the model can be used.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from digits.errors import ModelFileError
from digits.model.convert import Foreign, read_foreign

_TOLD, _NETWORK = "told.json", "model.onnx"
# The conversion of a model may take so long. TensorFlow alone takes ten seconds to load on a busy machine.
_SECONDS = 300


def read_apart(path: Path) -> Foreign:
    """Does what `read_foreign` does, in another process; the result cannot be saved as a Keras file.

    Raises:
        ModelFileError: as `read_foreign`, or the process has failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        # -P: a file of the working folder must not pass for a library.
        command = [sys.executable, "-P", "-m", __name__, str(path.absolute()), folder]
        # It reads a file that may be hostile, and needs no key of the service.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DIGITS_")}
        environment["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
        try:
            done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            raise ModelFileError(f"converting it takes more than {_SECONDS} seconds") from None
        told_file = Path(folder) / _TOLD
        if done.returncode or not told_file.exists():
            last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
            raise ModelFileError(f"the process that converts it failed ({''.join(last)[:200]})")
        told = json.loads(told_file.read_text(encoding="utf-8"))
        if "error" in told:
            raise ModelFileError(told["error"])
        return Foreign((Path(folder) / _NETWORK).read_bytes(), **told)


def main(path: Path, folder: Path) -> int:
    """Reads a model and writes what came of it to a folder; returns the exit code."""
    try:
        foreign = read_foreign(path)
    except ModelFileError as error:
        told: dict[str, object] = {"error": str(error)}
    else:
        (folder / _NETWORK).write_bytes(foreign.onnx)
        told = {"parameters": foreign.parameters, "versions": dict(foreign.versions), "changes": foreign.changes}
    (folder / _TOLD).write_text(json.dumps(told), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*map(Path, sys.argv[1:])))
