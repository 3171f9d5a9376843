"""Real image files of every supported kind, made by code from the sample digits: what the fuzzer mutates."""

import importlib.util
import io
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from digits.images.decode import decode
from digits.images.pdf.document import DOTS_PER_INCH

SAMPLES = Path(__file__).resolve().parents[2] / "digits" / "samples"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ORIENTATION = 0x0112


def encode(image: Image.Image, form: str, **options: Any) -> bytes:
    """An image as a file; HEIF needs pillow-heif. A PDF file's page is drawn with as many pixels as the image."""
    file = io.BytesIO()
    if form == "PDF":
        options.setdefault("resolution", DOTS_PER_INCH)
    if form == "ICO":
        options.setdefault("sizes", [image.size])
    if form == "HEIF":
        from pillow_heif import from_pillow

        from_pillow(image).save(file, **options)
    else:
        image.save(file, form, **options)
    return file.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file, with its length and checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def specimens() -> dict[str, bytes]:
    """Image files by name, over fifty; the same in every run."""
    seven = Image.fromarray(decode((SAMPLES / "7_stylus.png").read_bytes())).convert("L")
    three = Image.fromarray(decode((SAMPLES / "3_pencil.png").read_bytes())).convert("RGB")
    small, color = seven.resize((28, 28)), three.resize((96, 80))
    gray, large = color.convert("L"), three.resize((1700, 1300))
    clear = color.convert("RGBA")
    clear.putalpha(Image.eval(gray, lambda value: 255 - value))
    deep = Image.fromarray(np.asarray(gray, dtype=np.uint16) * 200)
    frames = [
        color,
        color.rotate(90, fillcolor="white").resize(color.size),
        color.transpose(Image.Transpose.ROTATE_180),
    ]
    return {
        "png sample": (SAMPLES / "7_stylus.png").read_bytes(),
        **_png(small, color, gray, large, clear, deep, frames),
        **_jpeg(small, color, gray, large),
        **_animated(small, color, gray, clear, frames),
        **_tiff(small, color, gray, clear, deep, frames),
        **_boxes(color, gray, clear, frames),
        **_pdf(color, gray, frames),
        **_jpeg2000(small, color, gray, clear, deep),
        **_pnm(small, color, gray, deep),
        **_icons_and_tga(small, color, gray, clear),
        "bmp": encode(color, "BMP"),
        "bmp gray": encode(small, "BMP"),
        "bmp palette": encode(color.quantize(16), "BMP"),
        "bmp 1 bit": encode(gray.convert("1"), "BMP"),
        "bmp rgba": encode(clear, "BMP"),
    }


def _png(
    small: Image.Image,
    color: Image.Image,
    gray: Image.Image,
    large: Image.Image,
    clear: Image.Image,
    deep: Image.Image,
    frames: list[Image.Image],
) -> Mapping[str, bytes]:
    text = b"Comment\0\0" + zlib.compress(b"written by hand " * 50)
    plain = encode(color, "PNG")
    header = len(PNG_SIGNATURE) + 25
    return {
        "png 28x28": encode(small, "PNG"),
        "png gray": encode(gray, "PNG"),
        "png color": plain,
        "png large": encode(large, "PNG"),
        "png rgba": encode(clear, "PNG"),
        "png gray alpha": encode(clear.convert("LA"), "PNG"),
        "png palette": encode(color.quantize(16), "PNG"),
        "png palette transparent": encode(color.quantize(16), "PNG", transparency=0),
        "png 1 bit": encode(gray.convert("1"), "PNG"),
        "png 16 bit": encode(deep, "PNG"),
        "png turned": encode(color, "PNG", exif=_exif(6)),
        "png animated": encode(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=50),
        "png with text": plain[:header] + chunk(b"zTXt", text) + plain[header:],
        "png interlaced": _interlaced(small),
    }


def _interlaced(image: Image.Image) -> bytes:
    """An Adam7 PNG file, which Pillow reads and does not write."""
    pixels = np.asarray(image)
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    raw = b"".join(
        b"\0" + row.tobytes() for top, left, down, right in passes for row in pixels[top::down, left::right] if row.size
    )
    header = struct.pack(">IIBBBBB", image.width, image.height, 8, 0, 0, 0, 1)
    return PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    return exif


def _jpeg(small: Image.Image, color: Image.Image, gray: Image.Image, large: Image.Image) -> Mapping[str, bytes]:
    return {
        "jpeg": encode(color, "JPEG"),
        "jpeg gray": encode(gray, "JPEG"),
        "jpeg 28x28": encode(small, "JPEG"),
        "jpeg large": encode(large, "JPEG", quality=70),
        "jpeg progressive": encode(color, "JPEG", progressive=True),
        "jpeg cmyk": encode(color.convert("CMYK"), "JPEG"),
        "jpeg restart": encode(color, "JPEG", restart_marker_blocks=2),
        "jpeg optimized": encode(color, "JPEG", optimize=True, subsampling=0),
        "jpeg profile": encode(color, "JPEG", icc_profile=bytes(3000), comment=b"a comment"),
        "jpeg pictures": encode(color, "MPO", save_all=True, append_images=[gray.convert("RGB")]),
        **{f"jpeg turned {turn}": encode(color, "JPEG", exif=_exif(turn)) for turn in (2, 3, 5, 6, 8)},
    }


def _animated(
    small: Image.Image, color: Image.Image, gray: Image.Image, clear: Image.Image, frames: list[Image.Image]
) -> Mapping[str, bytes]:
    several = {"save_all": True, "append_images": frames[1:], "duration": 50}
    return {
        "gif": encode(color, "GIF"),
        "gif 28x28": encode(small, "GIF"),
        "gif transparent": encode(color.quantize(16), "GIF", transparency=0),
        "gif animated": encode(frames[0], "GIF", **several),
        "gif interlaced": encode(gray, "GIF", interlace=1, comment=b"a comment"),
        "webp": encode(color, "WEBP"),
        "webp 28x28": encode(small.convert("RGB"), "WEBP"),
        "webp lossless": encode(color, "WEBP", lossless=True),
        "webp alpha": encode(clear, "WEBP"),
        "webp animated": encode(frames[0], "WEBP", **several),
        "webp turned": encode(color, "WEBP", exif=_exif(8), icc_profile=bytes(500)),
    }


def _tiff(
    small: Image.Image,
    color: Image.Image,
    gray: Image.Image,
    clear: Image.Image,
    deep: Image.Image,
    frames: list[Image.Image],
) -> Mapping[str, bytes]:
    real = Image.fromarray(np.asarray(gray, dtype=np.float32) / 255.0)
    return {
        "tiff": encode(color, "TIFF"),
        "tiff 28x28": encode(small, "TIFF"),
        "tiff lzw": encode(color, "TIFF", compression="tiff_lzw"),
        "tiff deflate": encode(color, "TIFF", compression="tiff_adobe_deflate"),
        "tiff jpeg": encode(color, "TIFF", compression="jpeg"),
        "tiff packbits": encode(gray, "TIFF", compression="packbits"),
        "tiff fax": encode(gray.convert("1"), "TIFF", compression="group4"),
        "tiff palette": encode(color.quantize(16), "TIFF"),
        "tiff 16 bit": encode(deep, "TIFF"),
        "tiff real": encode(real, "TIFF"),
        "tiff integer": encode(gray.convert("I"), "TIFF"),
        "tiff rgba": encode(clear, "TIFF"),
        "tiff cmyk": encode(color.convert("CMYK"), "TIFF"),
        "tiff pages": encode(frames[0], "TIFF", save_all=True, append_images=frames[1:]),
        "tiff big": encode(color, "TIFF", big_tiff=True),
        "tiff tiles": _tiles(gray),
    }


def _boxes(color: Image.Image, gray: Image.Image, clear: Image.Image, frames: list[Image.Image]) -> Mapping[str, bytes]:
    quick = {"speed": 10}
    files = {
        "avif": encode(color, "AVIF", **quick),
        "avif gray": encode(gray, "AVIF", subsampling="4:0:0", **quick),
        "avif alpha": encode(clear, "AVIF", **quick),
        "avif turned": encode(color, "AVIF", exif=_exif(6), **quick),
        "avif animated": _without_times(
            encode(frames[0], "AVIF", save_all=True, append_images=frames[1:], duration=50, **quick)
        ),
    }
    if importlib.util.find_spec("pillow_heif"):
        files |= {
            "heif": encode(color, "HEIF", quality=60),
            "heif gray": encode(gray, "HEIF", quality=60),
            "heif alpha": encode(clear, "HEIF", quality=60),
        }
    return files


def _pdf(color: Image.Image, gray: Image.Image, frames: list[Image.Image]) -> Mapping[str, bytes]:
    times = {"creationDate": None, "modDate": None}
    if not importlib.util.find_spec("pypdfium2_raw"):
        return {}
    return {
        "pdf": encode(color, "PDF", **times),
        "pdf gray": encode(gray, "PDF", **times),
        "pdf fax": encode(gray.convert("1"), "PDF", **times),
        "pdf pages": encode(frames[0], "PDF", save_all=True, append_images=frames[1:], **times),
    }


def _jpeg2000(
    small: Image.Image, color: Image.Image, gray: Image.Image, clear: Image.Image, deep: Image.Image
) -> Mapping[str, bytes]:
    lossy = {"irreversible": True, "quality_mode": "rates", "quality_layers": [40, 10, 5]}
    return {
        "jpeg2000": encode(color, "JPEG2000"),
        "jpeg2000 28x28": encode(small, "JPEG2000"),
        "jpeg2000 gray": encode(gray, "JPEG2000"),
        "jpeg2000 alpha": encode(clear, "JPEG2000"),
        "jpeg2000 16 bit": encode(deep, "JPEG2000"),
        "jpeg2000 lossy": encode(color, "JPEG2000", progression="RPCL", precinct_size=(64, 64), **lossy),
        "jpeg2000 tiles": encode(color, "JPEG2000", tile_size=(32, 32), num_resolutions=3, codeblock_size=(16, 16)),
        "jpeg2000 stream": encode(gray, "JPEG2000", no_jp2=True, comment="a comment"),
    }


def _pnm(small: Image.Image, color: Image.Image, gray: Image.Image, deep: Image.Image) -> Mapping[str, bytes]:
    return {
        "ppm": encode(color, "PPM"),
        "ppm gray": encode(gray, "PPM"),
        "ppm 1 bit": encode(gray.convert("1"), "PPM"),
        "ppm 16 bit": encode(deep, "PPM"),
        "ppm 12 bit": pnm((np.asarray(color) * np.uint16(16)).astype(">u2"), 6, 4095),
        "ppm 4 bit": pnm(np.asarray(gray) // 16, 5, 15),
        "ppm text": pnm(np.asarray(color), 3),
        "ppm text gray": pnm(np.asarray(gray), 2),
        "ppm text 28x28": pnm(np.asarray(small), 2),
        "ppm text 16 bit": pnm(np.asarray(deep), 2, 65_535),
        "ppm text 1 bit": pnm(np.asarray(gray) < 200, 1),
    }


def pnm(pixels: npt.NDArray[Any], kind: int, maximum: int = 255) -> bytes:
    """A PNM file: of text (kind 1, 2 or 3) with a comment, or of bytes."""
    head = f"P{kind}\n# a comment\n{pixels.shape[1]} {pixels.shape[0]}\n".encode()
    head += b"" if kind in (1, 4) else b"%d\n" % maximum
    if kind > 3:
        return head + pixels.tobytes()
    rows = (" ".join(str(int(sample)) for sample in row.ravel()) for row in pixels)
    return head + "\n".join(rows).encode() + b"\n"


def _icons_and_tga(
    small: Image.Image, color: Image.Image, gray: Image.Image, clear: Image.Image
) -> Mapping[str, bytes]:
    return {
        "ico": encode(color, "ICO"),
        "ico alpha": encode(clear, "ICO"),
        "ico sizes": encode(color, "ICO", sizes=[(16, 16), (48, 40), color.size]),
        "ico bitmap": encode(color, "ICO", bitmap_format="bmp"),
        "ico bitmap 28x28": encode(small, "ICO", bitmap_format="bmp"),
        "ico bitmap alpha": encode(clear, "ICO", bitmap_format="bmp"),
        "tga": encode(color, "TGA"),
        "tga gray": encode(gray, "TGA"),
        "tga 1 bit": encode(gray.convert("1"), "TGA"),
        "tga rgba": encode(clear, "TGA"),
        "tga gray alpha": encode(clear.convert("LA"), "TGA"),
        "tga palette": encode(color.quantize(16), "TGA"),
        "tga runs": encode(color, "TGA", compression="tga_rle"),
        "tga runs gray": encode(small, "TGA", compression="tga_rle"),
        "tga runs palette": encode(color.quantize(16), "TGA", compression="tga_rle", orientation=1),
        "pcx": encode(color, "PCX"),
        "pcx gray": encode(gray, "PCX"),
        "pcx 1 bit": encode(gray.convert("1"), "PCX"),
        "pcx palette": encode(color.quantize(16), "PCX"),
    }


def _without_times(file: bytes) -> bytes:
    """A sequence that does not say when it was written."""
    for kind in (b"mvhd", b"tkhd", b"mdhd"):
        at = file.find(kind) + 4
        length = 16 if file[at] == 1 else 8
        file = file[: at + 4] + bytes(length) + file[at + 4 + length :]
    return file


def _tiles(image: Image.Image) -> bytes:
    """An uncompressed TIFF file of 32 x 32 tiles, which Pillow reads and does not write."""
    side = 32
    across, down = -(-image.width // side), -(-image.height // side)
    padded = np.zeros((down * side, across * side), np.uint8)
    padded[: image.height, : image.width] = np.asarray(image)
    tiles = padded.reshape(down, side, across, side).swapaxes(1, 2).tobytes()
    count = across * down
    entries = [
        (256, 3, 1, image.width), (257, 3, 1, image.height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1),
        (277, 3, 1, 1), (322, 3, 1, side), (323, 3, 1, side),
    ]  # fmt: skip
    at = 8 + 2 + 12 * (len(entries) + 2) + 4
    entries += [(324, 4, count, at), (325, 4, count, at + 4 * count)]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    first = at + 8 * count
    offsets = struct.pack(f"<{count}I", *(first + number * side * side for number in range(count)))
    sizes = struct.pack(f"<{count}I", *[side * side] * count)
    return b"II*\0" + struct.pack("<I", 8) + directory + bytes(4) + offsets + sizes + tiles
