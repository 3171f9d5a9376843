"""Measures the CPU time of image files with the source tree that it is started in; `workloads` starts and asks it.

It reads a JSON object a line from its input, with `file`, `repeats` and `is_page`, and answers each with a line. It
uses nothing but the tree's public calls, so that it also measures trees of other layouts.
"""

import contextlib
import importlib
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

# Where releases keep a call: the present place first.
_PLACES = {
    "Recognizer": ("digits.recognizer",),
    "open_image": ("digits.images.decode", "digits.image"),
    "read_picture": ("digits.numbers.reader", "digits.reading"),
    "normalize": ("digits.vision.normalize", "digits.normalize"),
    "one_thread_for_each_image": ("digits.service.process.decoders",),
}
_PAGE_SIDE, _COPY_SIDE = 1600, 240


def _find(name: str) -> Any:
    for place in _PLACES[name]:
        try:
            return getattr(importlib.import_module(place), name)
        except ImportError:
            continue
    raise ImportError(f"{name} is in none of {', '.join(_PLACES[name])}.")


def _load(model: Path) -> Any:
    """Loads a model as the API of this tree does: on one thread and in the faster precision, if it chooses them."""
    with contextlib.suppress(ImportError):
        _find("one_thread_for_each_image")()
    load = _find("Recognizer").load
    try:
        return load(model, precision="auto")
    except Exception:  # noqa: BLE001 - older trees know no precisions, or none to choose, each with its own error
        return load(model)


def _cpu_ms(call: Callable[[], object], repeats: int) -> float:
    """Returns the CPU time of a call in ms, the mean of its repeats; all threads of the process count."""
    start = time.process_time()
    for _ in range(repeats):
        call()
    return (time.process_time() - start) * 1e3 / repeats


def main() -> None:
    """Answers requests until its input ends."""
    recognizer = _load(Path(sys.argv[1]))
    open_image, read_picture, normalize = (_find(name) for name in ("open_image", "read_picture", "normalize"))
    for line in sys.stdin:
        request = json.loads(line)
        data, repeats = Path(request["file"]).read_bytes(), request["repeats"]
        stages = {"open": _cpu_ms(partial(open_image, data), repeats)}
        if request["is_page"]:
            stages["decode"] = _cpu_ms(partial(_decode, open_image, data, _PAGE_SIDE), repeats) - stages["open"]
            stages["all"] = _cpu_ms(partial(read_picture, recognizer, data), repeats)
        else:
            stages["decode"] = _cpu_ms(partial(_decode_first, open_image, data), repeats) - stages["open"]
            image = normalize(open_image(data).decode()).image[None]
            stages["network"] = _cpu_ms(partial(recognizer.classify, image), repeats)
            stages["all"] = _cpu_ms(partial(recognizer.recognize, data), repeats)
            # What is left: trees differ in what they do between the decoder and the network.
            stages["normalize"] = stages["all"] - stages["open"] - stages["decode"] - stages["network"]
        print(json.dumps(stages), flush=True)


def _decode(open_image: Callable[[bytes], Any], data: bytes, *enough: int) -> None:
    open_image(data).decode(*enough)


def _decode_first(open_image: Callable[[bytes], Any], data: bytes) -> None:
    """Decodes what is looked at first: of a large photo, present trees decode a smaller copy, which is often enough."""
    opened = open_image(data)
    if not hasattr(opened, "decode_copy") or opened.decode_copy(_COPY_SIDE) is None:
        opened.decode()


if __name__ == "__main__":
    main()
