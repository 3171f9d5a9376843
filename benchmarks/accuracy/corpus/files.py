"""Image files of digits, in the formats and modes that are read, and damaged ones, for the corpus."""

import io
from collections.abc import Iterator

import numpy as np
from PIL import ExifTags, Image

from benchmarks.accuracy.corpus.paper import Paper, put_on_paper
from benchmarks.accuracy.corpus.pen import Gray, seeded, write_digit

_LOSSLESS = ("PNG", "WEBP", "GIF", "BMP", "TIFF")
_MODES = ("L", "RGB", "RGBA", "P", "1", "LA", "I;16")
# What Pillow can write: WebP knows colors alone, the others lack some modes.
_WRITTEN = {
    "PNG": _MODES,
    "WEBP": ("RGB", "RGBA"),
    "GIF": ("L", "RGB", "RGBA", "P", "1"),
    "BMP": ("L", "RGB", "P", "1"),
    "TIFF": _MODES,
}


def file_pictures() -> Iterator[tuple[str, bytes]]:
    """All of them, by name."""
    yield from _modes()
    yield from _lossy()
    yield from _transparent()
    yield from _turned()
    yield from _large()
    yield from _damaged()


def encode(picture: Image.Image, kind: str, **options: object) -> bytes:
    """A picture as a file."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def _digit(name: str, digit: int, side: int = 120, paper: Paper | None = None) -> Gray:
    rng = seeded(name)
    return put_on_paper(write_digit(digit, (side, side + 10), rng), paper or Paper(), rng)


def _modes() -> Iterator[tuple[str, bytes]]:
    digit = 0
    for kind in _LOSSLESS:
        for mode in _WRITTEN[kind]:
            name = f"file/{kind.lower()}-{mode.replace(';', '')}"
            gray = _digit(name, digit % 10)
            options = {"lossless": True} if kind == "WEBP" else {}
            yield name, encode(_as_mode(gray, mode), kind, **options)
            digit += 1


def _as_mode(gray: Gray, mode: str) -> Image.Image:
    if mode == "I;16":
        # Of a camera that uses 12 of the 16 bits.
        return Image.fromarray(gray.astype(np.uint16) * 16 + 5)
    if mode == "1":
        return Image.fromarray(np.where(gray > 127, 255, 0).astype(np.uint8)).convert("1", dither=Image.Dither.NONE)
    if mode == "P":
        return Image.fromarray(gray).convert("P")
    return Image.fromarray(gray).convert(mode)


def _lossy() -> Iterator[tuple[str, bytes]]:
    for k, quality in enumerate((10, 25, 50, 75, 90, 95)):
        for kind in ("JPEG", "WEBP"):
            name = f"file/{kind.lower()}-quality-{quality}"
            gray = _digit(name, k + 3, 140, Paper(noise=6, tint=(20, 40, 160) if k % 2 else None))
            yield name, encode(Image.fromarray(gray).convert("RGB"), kind, quality=quality)
    for k in range(4):
        name = f"file/jpeg-gray-{k}"
        gray = _digit(name, 2 * k + 1, 60 + 37 * k, Paper(shadow="across", dark=40))
        yield name, encode(Image.fromarray(gray), "JPEG", quality=85, progressive=bool(k % 2))


def _transparent() -> Iterator[tuple[str, bytes]]:
    for digit in range(10):
        name = f"file/ink-on-nothing-{digit}"
        ink = write_digit(digit, (130, 120), seeded(name))
        value = 0 if digit % 2 else 255
        rgba = np.full((*ink.shape, 4), value, np.uint8)
        rgba[..., 3] = ink
        if digit % 3 == 0:
            # Most of the picture is opaque: it has a ground of its own.
            rgba[20:120, 10:110] = np.where(
                ink[20:120, 10:110, np.newaxis] > 127, (30, 30, 90, 255), (240, 240, 220, 255)
            )
        yield name, encode(Image.fromarray(rgba), ("PNG", "WEBP", "TIFF")[digit % 3], **_lossless(digit))
    yield "file/all-transparent", encode(Image.new("RGBA", (50, 50), (9, 9, 9, 0)), "PNG")
    yield "file/gif-transparent", encode(_as_mode(_digit("file/gif-transparent", 8), "P"), "GIF", transparency=255)


def _lossless(digit: int) -> dict[str, bool]:
    return {"lossless": True} if digit % 3 == 1 else {}


def _turned() -> Iterator[tuple[str, bytes]]:
    for turn in range(1, 9):
        name = f"file/turned-{turn}"
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = turn
        kind = ("JPEG", "PNG")[turn % 2]
        yield name, encode(Image.fromarray(_digit(name, (5 + turn) % 10)), kind, exif=exif)


def _large() -> Iterator[tuple[str, bytes]]:
    """Files that are reduced while they are decoded."""
    for k, (kind, side) in enumerate((("PNG", 1610), ("JPEG", 1700), ("WEBP", 1650), ("TIFF", 2450))):
        name = f"file/large-{kind.lower()}"
        gray = _digit(name, 2 + k, side, Paper(shadow="corner", dark=25))
        picture = Image.fromarray(gray).convert("RGB" if kind == "WEBP" else "L")
        yield name, encode(picture, kind, **({"lossless": True, "method": 0} if kind == "WEBP" else {}))


def _damaged() -> Iterator[tuple[str, bytes]]:
    picture = Image.fromarray(_digit("damaged", 4))
    # PNG without compression, whose result is another with another release of its library.
    whole = {"PNG": encode(picture, "PNG", compress_level=0)}
    whole |= {kind: encode(picture, kind) for kind in ("JPEG", "GIF", "BMP", "TIFF")}
    for kind, data in whole.items():
        yield f"damaged/half-{kind.lower()}", data[: len(data) // 2]
    yield "damaged/empty", b""
    yield "damaged/text", b"This is no picture at all.\n" * 20
    yield "damaged/header", whole["PNG"][:20]
    yield "damaged/sum", whole["PNG"][:60] + bytes([whole["PNG"][60] ^ 255]) + whole["PNG"][61:]
