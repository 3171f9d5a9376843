import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from digits import budget
from digits.budget import Budget
from digits.errors import BrokenImageError, ComputationStoppedError
from digits.images.codecs import png_strips
from digits.images.decode import open_image
from digits.images.limits import ImageLimits

_RANDOM = np.random.default_rng(0)
# Neighbors resemble one another, so that the encoder chooses among all filters.
_SAMPLES = np.cumsum(_RANDOM.integers(-3, 4, (401, 333, 4)), axis=1).astype(np.uint8)
_COLORS = Image.fromarray(_SAMPLES[..., :3])
_PALETTE = Image.Palette.ADAPTIVE
PICTURES: dict[str, tuple[Image.Image, dict[str, Any]]] = {
    "gray": (Image.fromarray(_SAMPLES[..., 0]), {}),
    "gray with a transparent value": (Image.fromarray(_SAMPLES[..., 0]), {"transparency": 7}),
    "gray and alpha": (Image.fromarray(_SAMPLES).convert("LA"), {}),
    "black and white": (_COLORS.convert("1"), {}),
    "color": (_COLORS, {}),
    "color with a transparent one": (_COLORS, {"transparency": tuple(_SAMPLES[0, 0, :3].tolist())}),
    "color and alpha": (Image.fromarray(_SAMPLES), {}),
    "256 colors": (_COLORS.convert("P", palette=_PALETTE), {}),
    "16 colors": (_COLORS.convert("P", palette=_PALETTE, colors=16), {}),
    "4 colors, of which one is transparent": (_COLORS.convert("P", palette=_PALETTE, colors=4), {"transparency": 1}),
    "2 colors": (_COLORS.convert("P", palette=_PALETTE, colors=2), {}),
}


def _encode(picture: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", **options)
    return file.getvalue()


def _whole_and_in_strips(file: bytes, monkeypatch: pytest.MonkeyPatch) -> tuple[np.ndarray, np.ndarray]:
    whole = open_image(file).decode(80)
    monkeypatch.setattr(png_strips, "_LEAST_PIXELS", 0)
    monkeypatch.setattr(png_strips, "_STRIP_BYTES", 9_000)
    monkeypatch.setattr(png_strips, "_PIECE", 1_000)
    return whole, open_image(file).decode(80)


@pytest.mark.parametrize("name", PICTURES)
def test_strips_make_the_same_picture_as_the_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    picture, options = PICTURES[name]
    file = _encode(picture, **options)
    whole, in_strips = _whole_and_in_strips(file, monkeypatch)
    with Image.open(io.BytesIO(file)) as opened:
        rows = png_strips.strip_rows(opened, 5)
        assert rows is not None
        assert rows < opened.height
        assert len(list(png_strips.png_strips(opened, file, rows))) > 1
    np.testing.assert_array_equal(whole, in_strips)


@pytest.mark.parametrize("behind", [False, True])
def test_strips_are_turned_upright_wherever_the_orientation_stands(
    behind: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    file = _encode(_COLORS, exif=exif)
    if behind:
        start = file.index(b"eXIf") - 4
        end = start + 12 + int.from_bytes(file[start : start + 4])
        file = file[:start] + file[end:-12] + file[start:end] + file[-12:]
    whole, in_strips = _whole_and_in_strips(file, monkeypatch)
    assert in_strips.shape[0] < in_strips.shape[1]
    np.testing.assert_array_equal(whole, in_strips)


def test_interlaced_pictures_and_those_of_16_bits_are_decoded_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = _encode(Image.fromarray(_SAMPLES[..., 0].astype(np.uint16) * 257))
    monkeypatch.setattr(png_strips, "_LEAST_PIXELS", 0)
    with Image.open(io.BytesIO(deep)) as opened:
        assert png_strips.strip_rows(opened, 2) is None
    with Image.open(io.BytesIO(_encode(_COLORS))) as opened:
        assert png_strips.strip_rows(opened, 2) is not None
        opened.info["interlace"] = 1
        assert png_strips.strip_rows(opened, 2) is None


@pytest.mark.parametrize("share", [0.4, 0.9])
def test_a_picture_that_is_cut_off_is_refused(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    file = _encode(_COLORS)
    with pytest.raises(BrokenImageError):
        _whole_and_in_strips(file[: int(share * len(file))], monkeypatch)
    with pytest.raises(BrokenImageError, match="cannot be decoded"):
        open_image(file[: int(share * len(file))]).decode(80)


def test_a_damaged_picture_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png_strips, "_LEAST_PIXELS", 0)
    file = bytearray(_encode(_COLORS))
    file[len(file) // 2] ^= 0xFF
    file[len(file) // 2 + 1] ^= 0xFF
    with pytest.raises(BrokenImageError):
        open_image(bytes(file)).decode(80)


def test_decoding_ends_when_nobody_waits_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png_strips, "_LEAST_PIXELS", 0)
    limit = Budget(60.0)
    with budget.limited(limit):
        limit.stop()
        with pytest.raises(ComputationStoppedError):
            open_image(_encode(_COLORS)).decode(80)


def test_a_picture_of_50_megapixels_counts_as_a_few_strips() -> None:
    large = _encode(Image.new("RGB", (7_000, 7_000)))
    assert open_image(large, ImageLimits()).decoding_bytes(720) < 40_000_000
    # A strip has as many rows as make one row of the reduced picture: a very wide one is a large part of it.
    wide = _encode(Image.new("RGB", (4_000_000, 10)))
    assert open_image(wide, ImageLimits()).decoding_bytes(720) > 400_000_000


def test_no_more_of_a_wide_file_is_inflated_than_its_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    width, height = 1_000_000, 8
    deflater = zlib.compressobj(9)
    content = b"".join(deflater.compress(bytes(width + 1)) for _ in range(64)) + deflater.flush()
    file = _png(width, height, content)
    most = 0
    inflated = png_strips._inflated

    def noted(data: bytes, size: int) -> Iterator[bytes]:
        nonlocal most
        most = max(most, size)
        return inflated(data, size)

    monkeypatch.setattr(png_strips, "_inflated", noted)
    with Image.open(io.BytesIO(file)) as opened:
        rows = png_strips.strip_rows(opened, 500)
        assert rows is not None
        (strip,) = png_strips.png_strips(opened, file, rows)
    assert strip.size == (width, height)
    assert most == height * (width + 1)


def _png(width: int, height: int, content: bytes) -> bytes:
    """A gray PNG file with any compressed content."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")
