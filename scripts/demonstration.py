"""Runs API and app on the shipped model, and draws in the app with the mouse."""

import math
import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page

from digits.cli.launcher import Service, check

ROOT = Path(__file__).resolve().parent.parent
_PATIENCE_SECONDS = 60.0


# How each digit is written: strokes of points (x, y), as shares of the canvas from its top left corner.
_RING = [(0.5 + 0.2 * math.sin(i * math.pi / 8), 0.5 - 0.32 * math.cos(i * math.pi / 8)) for i in range(17)]
_HOOK = [(0.35, 0.3), (0.4, 0.2), (0.5, 0.17), (0.62, 0.22), (0.64, 0.34)]
DIGITS: Mapping[int, list[list[tuple[float, float]]]] = {
    0: [_RING],
    1: [[(0.5, 0.18), (0.5, 0.82)]],
    2: [[*_HOOK, (0.58, 0.48), (0.32, 0.8), (0.7, 0.8)]],
    3: [[*_HOOK, (0.58, 0.45), (0.46, 0.48), (0.6, 0.52), (0.67, 0.65), (0.6, 0.78), (0.46, 0.82), (0.34, 0.75)]],
    4: [[(0.42, 0.18), (0.3, 0.55), (0.7, 0.55)], [(0.6, 0.35), (0.58, 0.85)]],
    5: [[(0.66, 0.2), (0.4, 0.2), (0.37, 0.46), (0.52, 0.42), (0.66, 0.52), (0.65, 0.7), (0.52, 0.81), (0.35, 0.76)]],
    6: [[(0.6, 0.17), (0.44, 0.35), (0.36, 0.58), (0.4, 0.76), (0.52, 0.82), (0.64, 0.74), (0.64, 0.6), (0.38, 0.62)]],
    7: [[(0.3, 0.2), (0.7, 0.2), (0.45, 0.85)]],
    8: [
        [
            (0.62, 0.25),
            (0.5, 0.17),
            (0.38, 0.26),
            (0.42, 0.4),
            (0.6, 0.56),
            (0.64, 0.72),
            (0.5, 0.83),
            (0.36, 0.72),
            (0.6, 0.4),
            (0.63, 0.27),
        ]
    ],
    9: [[(0.62, 0.3), (0.5, 0.18), (0.37, 0.26), (0.37, 0.42), (0.5, 0.5), (0.62, 0.4), (0.63, 0.28), (0.6, 0.85)]],
}


@contextmanager
def served(services: Sequence[Service]) -> Iterator[None]:
    """Starts services on the shipped model, waits until they answer, and stops them when the block ends.

    They do not see the `DIGITS_` variables of the caller, nor a model that was trained in the working folder.

    Args:
        services: the servers to start.

    Raises:
        SettingError: another program listens at the port of one, and would answer in its place.
        RuntimeError: a service does not answer.
    """
    check(services)
    with tempfile.TemporaryDirectory() as folder:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DIGITS_")}
        # The services run the code of this clone.
        clean["PYTHONPATH"] = str(ROOT)
        servers = [
            subprocess.Popen(
                service.command, cwd=folder, env=clean | dict(service.environment), stdout=subprocess.DEVNULL
            )
            for service in services
        ]
        try:
            for service in services:
                _wait_until_ready(service)
            yield
        finally:
            for server in servers:
                server.terminate()
                server.wait()


def draw(page: Page, strokes: Sequence[Sequence[tuple[float, float]]], canvas_name: str = "Draw a digit here") -> None:
    """Draws on the app's canvas with the mouse.

    Args:
        page: the page that shows the canvas.
        strokes: the points (x, y) of each stroke, as shares of the canvas, 0..1, from its top left corner.
        canvas_name: the canvas's name.

    Raises:
        RuntimeError: the page shows no canvas.
    """
    canvas = page.get_by_role("application", name=canvas_name)
    # The canvas appears shortly before its script has run.
    page.wait_for_function("(canvas) => canvas.strokes", arg=canvas.element_handle())
    box = canvas.bounding_box()
    if box is None:
        raise RuntimeError("The app shows no canvas.")
    for stroke in strokes:
        for i, (x, y) in enumerate(stroke):
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4 if i else 1)
            if i == 0:
                page.mouse.down()
        page.mouse.up()


def _wait_until_ready(service: Service) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            with urllib.request.urlopen(service.address + service.ready_path):
                return
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                raise RuntimeError(f"The {service.name} does not answer: {error}") from error
            time.sleep(0.1)
