"""Large blank images that a person may well send, made by code."""

from collections.abc import Callable, Mapping

from PIL import Image

from benchmarks.hostile.bomb_files import UNDER, png, zeros
from benchmarks.hostile.specimens import encode


def blank_png(color: int) -> bytes:
    """A blank PNG file just under the limit: color 0 is gray, 2 RGB, 6 RGB and transparency."""
    samples = {0: 1, 2: 3, 6: 4}[color]
    return png(UNDER, UNDER, 8, color, zeros(UNDER * (1 + UNDER * samples)))


# Images that a person may well send. They are read, and take what so many pixels take.
LARGE: Mapping[str, Callable[[], bytes]] = {
    "png gray": lambda: blank_png(0),
    "png color": lambda: blank_png(2),
    "png color and transparency": lambda: blank_png(6),
    "jpeg": lambda: encode(Image.new("RGB", (UNDER, UNDER), "white"), "JPEG"),
    "jpeg progressive": lambda: encode(Image.new("RGB", (UNDER, UNDER), "white"), "JPEG", progressive=True),
    "webp": lambda: encode(Image.new("RGB", (UNDER, UNDER), "white"), "WEBP", method=0),
}
