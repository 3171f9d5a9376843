"""Files that people and programs send and that go wrong easily: the right digit or a refusal that says what to do."""

import io
import struct
from collections.abc import Callable, Mapping
from functools import partial
from itertools import product

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from benchmarks.accuracy.corpus.pen import Hand, seeded, write_digit
from benchmarks.hostile.specimens import encode, pnm
from digits.errors import ImageError
from digits.recognizer import Recognizer

_SIDE = 140


def picture(digit: int, side: int = _SIDE, share: int = 60, offset: tuple[int, int] = (0, 0)) -> Image.Image:
    """A digit drawn in black on white."""
    strokes = write_digit(digit, (side, side), seeded(f"nasty/{digit}"), share, hand=Hand(), offset=offset)
    return Image.fromarray(255 - strokes)


def in_mode(digit: int, mode: str, form: str) -> bytes:
    gray = picture(digit)
    if mode == "I;16":
        return encode(Image.fromarray(np.asarray(gray, np.uint16) * 16), form)
    if mode == "F":
        return encode(Image.fromarray(np.asarray(gray, np.float32) / 255), form)
    return encode(gray.convert("RGB").convert(mode), form)


def turned(digit: int, turn: int, form: str) -> bytes:
    """A picture that is stored turned, and whose EXIF data say how."""
    upright = picture(digit).convert("RGB")
    back = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}[turn]
    upright.getexif()[ExifTags.Base.Orientation] = back
    stored = ImageOps.exif_transpose(upright)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = turn
    return encode(stored, form, exif=exif)


def cut_out(digit: int, form: str) -> bytes:
    rgba = np.dstack([np.asarray(picture(digit).convert("RGB")), np.full((_SIDE, _SIDE), 255, np.uint8)])
    options = {"lossless": True} if form == "WEBP" else {}
    return encode(Image.fromarray(np.pad(rgba, ((50, 50), (50, 50), (0, 0)))), form, **options)


def strokes_alone(digit: int, value: int, form: str) -> bytes:
    rgba = np.full((_SIDE, _SIDE, 4), value, np.uint8)
    rgba[..., 3] = 255 - np.asarray(picture(digit))
    return encode(Image.fromarray(rgba), form)


def animated(digit: int, form: str) -> bytes:
    frames = [picture(digit).convert("RGB"), picture((digit + 1) % 10).convert("RGB")]
    return encode(frames[0], form, save_all=True, append_images=frames[1:])


def animated_blank() -> bytes:
    frames = [Image.new("RGB", (300, 300), color) for color in ("white", "black")]
    file = io.BytesIO()
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    return file.getvalue()


_MODES = {
    "PNG": ("L", "RGB", "RGBA", "LA", "P", "1", "I;16"),
    "TIFF": ("L", "RGB", "RGBA", "CMYK", "1", "I;16", "F"),
    "JPEG": ("L", "RGB", "CMYK"),
    "WEBP": ("RGB", "RGBA"),
    "GIF": ("L", "P", "1"),
    "BMP": ("L", "RGB", "P", "1"),
    "AVIF": ("L", "RGB", "RGBA"),
    "HEIF": ("L", "RGB", "RGBA"),
    "JPEG2000": ("L", "RGB", "RGBA", "LA", "I;16"),
    "PPM": ("L", "RGB", "1", "I;16"),
    "ICO": ("RGB", "RGBA"),
    "TGA": ("L", "RGB", "RGBA", "LA", "P", "1"),
    "PCX": ("L", "RGB", "P", "1"),
}

READ: Mapping[str, tuple[int, Callable[[], bytes]]] = {
    **{
        f"{form} {mode}": (k % 10, partial(in_mode, k % 10, mode, form))
        for k, (form, mode) in enumerate((form, mode) for form, modes in _MODES.items() for mode in modes)
    },
    **{
        f"{form} turned {turn}": (turn + 1, partial(turned, turn + 1, turn, form))
        for turn, form in product((2, 3, 6, 8), ("JPEG", "PNG", "AVIF", "WEBP"))
    },
    "JPEG 2000 stream": (4, lambda: encode(picture(4), "JPEG2000", no_jp2=True)),
    "JPEG 2000 of few bytes": (2, lambda: encode(picture(2), "JPEG2000", irreversible=True, quality_layers=[30])),
    "PGM of text": (6, lambda: pnm(np.asarray(picture(6)), 2)),
    "PPM of text": (9, lambda: pnm(np.asarray(picture(9).convert("RGB")), 3)),
    "PBM of text": (1, lambda: pnm(np.asarray(picture(1)) < 128, 1)),
    "icon of bitmaps": (8, lambda: encode(picture(8).convert("RGB"), "ICO", bitmap_format="bmp")),
    "TGA of runs": (5, lambda: encode(picture(5), "TGA", compression="tga_rle")),
    **{
        f"{form} cut out": (k + 2, partial(cut_out, k + 2, form))
        for k, form in enumerate(("PNG", "WEBP", "TIFF", "TGA", "JPEG2000"))
    },
    **{
        f"{form} strokes of {value}": (5, partial(strokes_alone, 5, value, form))
        for value, form in product((0, 255), ("PNG", "WEBP", "AVIF", "TGA", "ICO"))
    },
    **{f"{form} animated": (3, partial(animated, 3, form)) for form in ("GIF", "PNG", "WEBP", "AVIF", "TIFF")},
    "tiny digit on a big sheet": (7, lambda: encode(picture(7, 1400, 5, (-25, 20)), "PNG")),
    "tiny digit on a big JPEG": (4, lambda: encode(picture(4, 2000, 5, (20, -30)), "JPEG", quality=90)),
    "tiny digit on a big AVIF": (2, lambda: encode(picture(2, 1500, 6, (0, 30)), "AVIF", speed=10)),
    "bytes after the end": (6, lambda: encode(picture(6), "PNG") + bytes(5000)),
    "bytes after the end of a JPEG": (6, lambda: encode(picture(6), "JPEG") + b"\xff" * 5000),
}

REFUSED: Mapping[str, Callable[[], bytes]] = {
    "half an AVIF": lambda: encode(picture(3), "AVIF")[:-200],
    "half a HEIF": lambda: encode(picture(3), "HEIF")[:-200],
    "AVIF head": lambda: b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf",
    "HEIF head": lambda: b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf",
    "video": lambda: b"\0\0\0\x18ftypmp42\0\0\0\0isommp42" + bytes(500),
    "sound": lambda: b"RIFF" + struct.pack("<I", 100) + b"WAVEfmt " + bytes(92),
    "text": lambda: b"BMW is a maker of cars",
    "one pixel": lambda: encode(Image.new("L", (1, 1)), "PNG"),
    "one row": lambda: encode(Image.new("L", (3000, 1), 255), "PNG"),
    "transparent": lambda: encode(Image.new("RGBA", (90, 90), (9, 9, 9, 0)), "AVIF"),
    "blank WebP animation": animated_blank,
    "half a JPEG 2000": lambda: encode(picture(3), "JPEG2000")[:-200],
    "half a PGM": lambda: pnm(np.asarray(picture(3)), 2)[:-200],
    "half an icon": lambda: encode(picture(3).convert("RGB"), "ICO", bitmap_format="bmp")[:-200],
    "half a TGA": lambda: encode(picture(3), "TGA")[:-200],
    "text like a PGM": lambda: b"P2 and P3 are formats",
    "half a PCX": lambda: encode(picture(3), "PCX")[:-2_000],
    "SGI": lambda: encode(picture(3), "SGI"),
    "DIB": lambda: encode(picture(3), "DIB"),
    "zip": lambda: b"PK\3\4" + bytes(100),
    "PNG in a text": lambda: b"data:image/png;base64,iVBORw0KGgo=",
    "JPEG without an image": lambda: b"\xff\xd8\xff\xd9",
    "swapped": lambda: encode(picture(3), "JPEG")[:100] + encode(picture(3), "PNG")[100:],
}


@pytest.mark.parametrize("name", READ)
def test_the_right_digit_is_read(name: str, recognizer: Recognizer) -> None:
    digit, make = READ[name]
    prediction = recognizer.recognize(make())
    assert (prediction.digit, prediction.accepted) == (digit, True)


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(name: str, recognizer: Recognizer) -> None:
    with pytest.raises(ImageError, match=r"\.$"):
        recognizer.recognize(REFUSED[name]())
