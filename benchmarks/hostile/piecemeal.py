"""Files as large as an upload may be, of so many pieces as their format or this program allows: long to look at."""

import struct
from collections.abc import Callable, Mapping

from PIL import Image

from benchmarks.hostile.bomb_files import png_exif
from benchmarks.hostile.specimens import SAMPLES, chunk, encode
from digits.images.decode import decode
from digits.images.limits import ImageLimits
from digits.images.screening.bmp import MAX_RUN_BYTES, MAX_RUN_PIXELS
from digits.images.screening.gif import GIF_BLOCK_BYTES
from digits.images.screening.jpeg import MAX_TABLE_BYTES
from digits.images.screening.screened import MAX_PIECES, MAX_TEXT_BYTES
from digits.images.screening.tiff import MAX_NUMBERS, MAX_STRIPS, MAX_TAGS

# The largest file that is taken, unless it is set otherwise.
LARGEST = ImageLimits().max_bytes
# A file has some pieces of its own.
_ALLOWED = MAX_PIECES - 20


def _seven(form: str, **options: object) -> bytes:
    image = Image.fromarray(decode((SAMPLES / "7_stylus.png").read_bytes())).convert("L")
    return encode(image.resize((64, 64)), form, **options)


def _between(file: bytes, at: int, piece: bytes, count: int = LARGEST) -> bytes:
    """A file with a piece put in as often as asked, or as there is room for."""
    return file[:at] + piece * min(count, (LARGEST - len(file)) // len(piece)) + file[at:]


def _png(piece: bytes, count: int = _ALLOWED) -> bytes:
    return _between(_seven("PNG"), 33, piece, count)


def _jpeg(piece: bytes, count: int = _ALLOWED) -> bytes:
    return _between(_seven("JPEG"), 20, piece, count)


def _jpeg_scan(piece: bytes) -> bytes:
    file = _seven("JPEG", progressive=True)
    return _between(file, file.rfind(b"\xff\xda"), piece)


def _segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def _chain(directories: int, tags: int) -> bytes:
    """EXIF data of directories that follow one another."""
    size = 2 + 12 * tags + 4
    entries = b"".join(struct.pack("<HHII", (0x112 + number) % 65_536, 3, 1, 1) for number in range(tags))
    links = (8 + size * (number + 1) if number + 1 < directories else 0 for number in range(directories))
    parts = (struct.pack("<H", tags) + entries + struct.pack("<I", following) for following in links)
    return b"II*\0\x08\0\0\0" + b"".join(parts)


_GIF = b"GIF89a\x40\0\x40\0\0\0\0"
_GIF_FRAME = b",\0\0\0\0\x40\0\x40\0\0\x02"
_GIF_END = b"\0;"
_FULL_BLOCK = b"\xff" + b"D" * 255


def _gif_blocks(short: int) -> bytes:
    """One frame of so many blocks of a byte, and then full ones."""
    start = _GIF + _GIF_FRAME + b"\1D" * short
    return _between(start + _GIF_END, len(start), _FULL_BLOCK)


def _webp(chunks: bytes) -> bytes:
    still = _seven("WEBP", lossless=True)[12:]
    canvas = struct.pack("<4sIB3x", b"VP8X", 10, 12) + b"\x3f\0\0" * 2
    body = b"WEBP" + canvas + still + chunks
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _riff(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _bmp(width: int, height: int, runs: bytes) -> bytes:
    """A bitmap of run lengths, as large as one may be."""
    header = struct.pack("<IHHIIiiHHIIiiII", 0, 0, 0, 1078, 40, width, height, 1, 8, 1, 0, 0, 0, 256, 0)
    return (b"BM" + header + bytes(1024) + runs * MAX_RUN_BYTES)[:MAX_RUN_BYTES]


def _tiff(changed: Mapping[int, tuple[int, int, int]], height: int = 64) -> bytes:
    """A TIFF file with tags changed, whose values begin where its pixels do."""
    tags = {
        256: (4, 1, 64), 257: (4, 1, height), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1),
        273: (4, 1, 0), 277: (3, 1, 1), 278: (4, 1, height), 279: (4, 1, 4096),
    } | dict(changed)  # fmt: skip
    start = 8 + 2 + 12 * len(tags) + 4
    entries = sorted((tag, kind, count, value or start) for tag, (kind, count, value) in tags.items())
    packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return (b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + packed + bytes(4)).ljust(LARGEST, b"\0")


_XMP = b"XML:com.adobe.xmp\0\0\0\0\0"
_TURNS = b"tiff:Orientatio"

PIECEMEAL: Mapping[str, Callable[[], bytes]] = {
    "png empty chunks": lambda: _png(chunk(b"teXt", b"")),
    "png empty pixels": lambda: _png(chunk(b"IDAT", b"")),
    "png palettes": lambda: _png(chunk(b"PLTE", bytes(768))),
    "png clear colors": lambda: _png(chunk(b"tRNS", bytes(2))),
    "png exif tags overlap": png_exif,
    "png exif chunks": lambda: _png(chunk(b"eXIf", _chain(1, MAX_TAGS))),
    "png exif of small directories": lambda: _png(chunk(b"eXIf", _chain(LARGEST // 18 - 500, 1))),
    "png exif of large directories": lambda: _png(chunk(b"eXIf", _chain(LARGEST // 12_006 - 1, 1_000))),
    "png exif of 19 kB": lambda: _png(chunk(b"eXIf", _chain(1_050, 1)), 1),
    "png xmp": lambda: _png(chunk(b"iTXt", _XMP + _TURNS * 4_000)),
    "jpeg comments": lambda: _jpeg(_segment(0xFE, b"")),
    "jpeg large segments": lambda: _jpeg(_segment(0xE5, bytes(2_000))),
    "jpeg junk": lambda: _jpeg(b"junk", LARGEST),
    "jpeg zeros": lambda: _jpeg(b"\xff\0", LARGEST),
    "jpeg profiles": lambda: _jpeg(_segment(0xE2, b"ICC_PROFILE\0\1\1")),
    "jpeg resources": lambda: _jpeg(_segment(0xED, b"Photoshop 3.0\0" + b"8BIM\0\0\0\0\0\0\0\0" * 5_000)),
    "jpeg exif segments": lambda: _jpeg(_segment(0xE1, b"Exif\0\0" + _chain(5, MAX_TAGS))),
    "jpeg exif of small directories": lambda: _jpeg(_segment(0xE1, b"Exif\0\0" + _chain(3_500, 1))),
    "jpeg quantization tables": lambda: _jpeg(_segment(0xDB, (b"\0" + b"\1" * 64) * 1_000), LARGEST),
    "jpeg quantization tables allowed": lambda: _jpeg(
        _segment(0xDB, b"\0" + b"\1" * 64), (MAX_TABLE_BYTES - 1_000) // 69
    ),
    "jpeg code tables": lambda: _jpeg(_segment(0xC4, bytes(17) * 3_000), LARGEST),
    "jpeg frames": lambda: _jpeg(_segment(0xC0, b"\x08\0\x40\0\x40\1" + b"\1\x11\0" * 21_000), LARGEST),
    "jpeg frames allowed": lambda: _jpeg(
        _segment(0xC0, b"\x08\0\x40\0\x40\1\1\x11\0"), (MAX_TABLE_BYTES - 1_000) // 13
    ),
    "jpeg junk among the pixels": lambda: _jpeg_scan(b"a"),
    "jpeg zeros among the pixels": lambda: _jpeg_scan(b"\xff\0"),
    "jpeg filling among the pixels": lambda: _jpeg_scan(b"\xff"),
    "jpeg filling in parts": lambda: _jpeg_scan(b"\xff" * MAX_PIECES + b"\0"),
    "gif short blocks": lambda: _gif_blocks(LARGEST // 2 - 100),
    "gif short blocks allowed": lambda: _gif_blocks(MAX_PIECES + LARGEST // GIF_BLOCK_BYTES - LARGEST // 256 - 1),
    "gif full blocks": lambda: _gif_blocks(0),
    "gif frames": lambda: _between(_GIF + b";", 13, b",\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0", _ALLOWED),
    "gif comment": lambda: _between(
        _GIF + b"!\xfe\0" + _GIF_FRAME + b"\2D\1" + _GIF_END, 15, b"\xff" + b"a" * 255, _ALLOWED
    ),
    "webp empty chunks": lambda: _webp(_riff(b"none", b"") * _ALLOWED),
    "webp exif": lambda: _webp(_riff(b"EXIF", _chain(1, 65_535).ljust(LARGEST - 10_000, b"\0"))),
    "webp exif of small directories": lambda: _webp(_riff(b"EXIF", _chain(LARGEST // 18 - 500, 1))),
    "webp exif chunks": lambda: _webp(_riff(b"EXIF", _chain(1, MAX_TAGS)) * (LARGEST // 12_014 - 1)),
    "webp xmp": lambda: _webp(_riff(b"XMP ", _TURNS * (LARGEST // 15 - 100))),
    "webp xmp allowed": lambda: _webp(_riff(b"XMP ", _TURNS * (MAX_TEXT_BYTES // 15))),
    "bmp runs": lambda: _bmp(64, 64, b"\xff\1"),
    "bmp ends of lines": lambda: _bmp(MAX_RUN_PIXELS // 50, 50, b"\1\1\0\0"),
    "bmp jumps": lambda: _bmp(500, MAX_RUN_PIXELS // 500, b"\0\2\0\1"),
    "tiff small directories": lambda: _chain(MAX_PIECES, 1).ljust(LARGEST, b"\0"),
    "tiff directories": lambda: _chain(MAX_PIECES // 10, 10).ljust(LARGEST, b"\0"),
    "tiff numbers": lambda: _tiff({258: (3, 10_000_000, 0)}),
    "tiff numbers allowed": lambda: _tiff({258: (3, MAX_NUMBERS - 20, 0)}),
    "tiff fractions": lambda: _tiff({258: (5, 2_500_000, 0)}),
    "tiff fractions allowed": lambda: _tiff({258: (5, MAX_NUMBERS // 20 - 1, 0)}),
    "tiff fractions that nobody needs": lambda: _tiff({36_864: (5, 2_500_000, 0)}, 2_000),
    "tiff text": lambda: _tiff({258: (2, LARGEST - 10_000, 0)}),
    "tiff text allowed": lambda: _tiff({258: (2, (MAX_NUMBERS - 20) * 50, 0)}),
    "tiff tags allowed": lambda: _tiff(
        {1_000 + number: (7, LARGEST - 100_000, 2_000) for number in range(MAX_TAGS - 9)}
    ),
    "tiff strips allowed": lambda: _tiff(
        {273: (4, MAX_STRIPS, 0), 278: (4, 1, 1), 279: (4, MAX_STRIPS, 0)}, MAX_STRIPS
    ),
}
