"""Decodes a JPEG 2000 file: the program of the process that `digits.images.codecs.jpeg2000` starts for large ones.

It imports nothing of Digits, so that it starts fast and takes little memory. Its one argument says how often width and
height are halved. The answer is a line `pixels MODE WIDTH HEIGHT` with Pillow's mode, and their bytes; or a line
`broken REASON`.
"""

import io
import sys

from PIL import ImageFile

# Not by `Image.open`, which imports the decoders of all other formats first.
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

# As many characters of the reason as errors show.
_REASON = 120


def halve(image: ImageFile.ImageFile, halvings: int) -> None:
    """Makes an opened JPEG 2000 image one that is decoded smaller.

    Pillow can do so by itself, but rounds some sizes to others than its decoder makes.

    Args:
        image: opened and not loaded.
        halvings: how often width and height are halved.
    """
    if halvings:
        width, height = (-(-side >> halvings) for side in image.size)
        tile = image.tile[0]
        kind, _, *others = tuple(tile.args or ())
        image.tile = [tile._replace(extents=(0, 0, width, height), args=(kind, halvings, *others))]
        image._size = (width, height)


def main(data: bytes, halvings: int) -> int:
    """Decodes the file and writes its pixels; returns the exit code."""
    output = sys.stdout.buffer
    try:
        image = Jpeg2KImageFile(io.BytesIO(data))
        halve(image, halvings)
        image.load()
    except MemoryError:
        return 1
    except Exception as error:  # noqa: BLE001 - on damaged bytes a decoder raises nearly anything
        reason = (str(error).splitlines() or [""])[0][:_REASON] or type(error).__name__
        output.write(f"broken {reason}\n".encode("ascii", "replace"))
    else:
        output.write(b"pixels %s %d %d\n" % (image.mode.encode(), *image.size))
        output.write(image.tobytes())
    output.flush()
    return 0
