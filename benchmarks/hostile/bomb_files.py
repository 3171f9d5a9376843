"""Small image files that ask for far more than they are, made by code."""

import struct
from collections.abc import Callable, Mapping

from PIL import Image

from benchmarks.hostile.box_bombs import BOX_BOMBS
from benchmarks.hostile.deflated import zeros
from benchmarks.hostile.rare_bombs import RARE_BOMBS
from benchmarks.hostile.specimens import PNG_SIGNATURE, SAMPLES, chunk, encode
from digits.images.decode import decode

# Over the API's own limit of 50,000,000 pixels, and under it by a little.
OVER, UNDER = 25_000, 7_071


def _seven() -> Image.Image:
    return Image.fromarray(decode((SAMPLES / "7_stylus.png").read_bytes())).convert("L").resize((64, 64))


def png(width: int, height: int, depth: int, color: int, pixels: bytes, interlaced: int = 0) -> bytes:
    """A PNG file of packed pixels."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced)
    return PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def png_one_bit() -> bytes:
    """A black-and-white PNG of 625 million pixels in 76 kB."""
    return png(OVER, OVER, 1, 0, zeros(OVER * (1 + OVER // 8)))


def png_interlaced() -> bytes:
    """The same in Adam7 order, of which the whole image has to be kept."""
    return png(OVER, OVER, 1, 0, zeros(OVER * (1 + OVER // 8)), interlaced=1)


def png_inflates() -> bytes:
    """28 x 28 pixels whose data inflates to a gigabyte."""
    return png(28, 28, 8, 0, zeros(1_000_000_000))


def _seven_with(chunks: bytes) -> bytes:
    seven = encode(_seven(), "PNG")
    return seven[:33] + chunks + seven[33:]


def png_texts() -> bytes:
    """A digit, and 60 compressed texts of a megabyte each."""
    return _seven_with(chunk(b"zTXt", b"Comment\0\0" + zeros(1_000_000)) * 60)


def png_international_texts() -> bytes:
    """The same with the other kind of compressed text."""
    return _seven_with(chunk(b"iTXt", b"Comment\0\1\0\0\0" + zeros(1_000_000)) * 60)


def png_large_text() -> bytes:
    """A digit, and one compressed text of a gigabyte."""
    return _seven_with(chunk(b"zTXt", b"Comment\0\0" + zeros(1_000_000_000)))


def png_profile() -> bytes:
    """A digit, and a color profile that inflates to a gigabyte."""
    return _seven_with(chunk(b"iCCP", b"profile\0\0" + zeros(1_000_000_000)))


def png_chunks() -> bytes:
    """A digit, and 1.6 million empty chunks that mean nothing."""
    return _seven_with(chunk(b"teXt", b"") * 1_600_000)


def png_pieces() -> bytes:
    """A digit whose pixels begin with 1.6 million empty pieces."""
    return _seven_with(chunk(b"IDAT", b"") * 1_600_000)


def png_frames() -> bytes:
    """A digit that says to have 200,000 frames, each of which it describes."""
    frame = struct.pack(">IIIIHHBB", 64, 64, 0, 0, 1, 1, 0, 0)
    controls = b"".join(chunk(b"fcTL", struct.pack(">I", number) + frame) for number in range(200_000))
    return _seven_with(chunk(b"acTL", struct.pack(">II", 200_000, 0)) + controls)


def jpeg_claims() -> bytes:
    """65,500 x 65,500 pixels, of which there are 64 x 64."""
    return _jpeg_of_size(encode(_seven(), "JPEG"), 65_500, 65_500)


def _jpeg_of_size(file: bytes, width: int, height: int) -> bytes:
    at = max(file.find(b"\xff\xc0"), file.find(b"\xff\xc2")) + 5
    return file[:at] + struct.pack(">HH", height, width) + file[at + 4 :]


def jpeg_nothing() -> bytes:
    """A progressive JPEG just under the limit, of whose pixels there is next to nothing."""
    return _jpeg_of_size(encode(_seven().convert("RGB"), "JPEG", progressive=True), UNDER, UNDER)


def jpeg_scans() -> bytes:
    """A progressive JPEG just under the limit that goes over its pixels 5,000 times."""
    file = _jpeg_of_size(encode(_seven(), "JPEG", progressive=True), UNDER, UNDER)
    # The last scan, from its tables to the end.
    start = file.rfind(b"\xff\xda")
    return file[:-2] + file[start:-2] * 5_000 + b"\xff\xd9"


def jpeg_segments() -> bytes:
    """A digit after four million empty comments."""
    file = encode(_seven(), "JPEG")
    return file[:2] + b"\xff\xfe\0\2" * 4_000_000 + file[2:]


def jpeg_filling() -> bytes:
    """A digit after 16 million bytes of filling, which the format allows."""
    file = encode(_seven(), "JPEG")
    return file[:2] + b"\xff" * 16_000_000 + file[2:]


def _directory(entries: list[tuple[int, int, int, int]], following: int = 0) -> bytes:
    """A TIFF file's directory."""
    packed = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return struct.pack("<H", len(entries)) + packed + struct.pack("<I", following)


_TIFF = b"II*\0\x08\0\0\0"


def _overlapping(count: int, size: int) -> bytes:
    """EXIF data of many tags, each of which takes all of the bytes that follow."""
    at = 8 + 2 + 12 * count + 4
    return _TIFF + _directory([(0x9000 + number, 7, size, at) for number in range(count)]) + bytes(size)


def jpeg_exif() -> bytes:
    """A digit whose EXIF data has 2,500 tags of the same 30 kB."""
    file, exif = encode(_seven(), "JPEG"), b"Exif\0\0" + _overlapping(2_500, 30_000)
    return file[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + file[2:]


def png_exif() -> bytes:
    """A digit whose EXIF data has 20,000 tags of the same 15 MB."""
    return _seven_with(chunk(b"eXIf", _overlapping(20_000, 15_000_000)))


def _tiff(entries: Mapping[int, tuple[int, int, int]], data: bytes, following: int = 0) -> bytes:
    """A TIFF file of one directory; what follows it begins at `_data_at(entries)`."""
    return _TIFF + _directory([(tag, *rest) for tag, rest in entries.items()], following) + data


def _gray_tags(width: int, height: int, compression: int, offset: int, length: int) -> dict[int, tuple[int, int, int]]:
    return {
        256: (4, 1, width), 257: (4, 1, height), 258: (3, 1, 8), 259: (3, 1, compression), 262: (3, 1, 1),
        273: (4, 1, offset), 277: (3, 1, 1), 278: (4, 1, height), 279: (4, 1, length),
    }  # fmt: skip


_DATA_AT = 8 + 2 + 9 * 12 + 4


def tiff_claims() -> bytes:
    """A TIFF file of 625 million pixels."""
    pixels = zeros(OVER * OVER)
    return _tiff(_gray_tags(OVER, OVER, 8, _DATA_AT, len(pixels)), pixels)


def tiff_strip() -> bytes:
    """64 x 64 pixels in a strip that inflates to a gigabyte."""
    pixels = zeros(1_000_000_000)
    tags = _gray_tags(64, 64, 8, _DATA_AT, len(pixels)) | {278: (4, 1, 2**31 - 1)}
    return _tiff(tags, pixels)


def tiff_tiles() -> bytes:
    """64 x 64 pixels in a tile of a gigabyte."""
    pixels = zeros(1_000_000)
    tags = _gray_tags(64, 64, 8, 0, 0)
    for tag in (273, 278, 279):
        del tags[tag]
    tags |= {322: (4, 1, 32_768), 323: (4, 1, 32_768), 325: (4, 1, len(pixels)), 324: (4, 1, _DATA_AT + 12)}
    return _tiff(tags, pixels)


def tiff_strips() -> bytes:
    """64 x 64 pixels in four million strips."""
    tags = _gray_tags(64, 64, 1, 0, 0)
    count = 2_000_000
    tags |= {273: (4, count, _DATA_AT), 278: (4, 1, 1), 279: (4, count, _DATA_AT + 4 * count)}
    return _tiff(tags, bytes(8 * count))


def tiff_loop() -> bytes:
    """A directory that is followed by itself."""
    return _tiff(_gray_tags(64, 64, 1, _DATA_AT, 4096), bytes(4096), following=8)


def tiff_pages() -> bytes:
    """100,000 pages that share the pixels of the first."""
    tags, size = _gray_tags(64, 64, 1, 8, 4096), _DATA_AT - 8
    pages = b"".join(
        _directory([(tag, *rest) for tag, rest in tags.items()], 8 + size * number) for number in range(1, 100_000)
    )
    return _TIFF + pages + _directory([(tag, *rest) for tag, rest in tags.items()])


def tiff_page_tags() -> bytes:
    """A thousand pages, each with a tag of all of the 18 MB that follow."""
    tags = _gray_tags(64, 64, 1, 8, 4096)
    size, pages, more = _DATA_AT - 8 + 12, 1_000, 18_000_000
    tags[0x9000] = (7, more, 8 + size * pages)
    entries = [(tag, *rest) for tag, rest in tags.items()]
    chain = [_directory(entries, 8 + size * (number + 1) if number + 1 < pages else 0) for number in range(pages)]
    return _TIFF + b"".join(chain) + bytes(more)


def tiff_tags() -> bytes:
    """Pixels that no one finds among 65,000 tags of the same 18 MB."""
    count, size = 60_000, 18_000_000
    at = 8 + 2 + 12 * (count + 9) + 4
    tags = {number + 1_000: (7, size, at) for number in range(count)} | _gray_tags(64, 64, 1, 8, 4096)
    return _tiff(tags, bytes(size))


def tiff_big_tags() -> bytes:
    """A BigTIFF file of 900,000 tags."""
    count = 900_000
    entries = b"".join(struct.pack("<HHQQ", 1_000 + number % 60_000, 3, 1, 0) for number in range(count))
    return b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, count) + entries + bytes(8)


def _gif(width: int, height: int, blocks: bytes) -> bytes:
    frame = b",\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0"
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0\0\0\0\xff\xff\xff" + blocks + frame + b";"


def gif_claims() -> bytes:
    """A canvas of 65,535 x 65,535 pixels."""
    return _gif(65_535, 65_535, b"")


def gif_frames() -> bytes:
    """A million frames of one pixel on a canvas just under the limit."""
    return _gif(UNDER, UNDER, b",\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0" * 1_000_000)


def gif_comment() -> bytes:
    """One comment of 18 MB."""
    return _gif(64, 64, b"!\xfe" + (b"\xff" + b"a" * 255) * 70_000 + b"\0")


def gif_comments() -> bytes:
    """Four million empty comments."""
    return _gif(64, 64, b"!\xfe\x01a\0" * 4_000_000)


def _riff(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _webp(width: int, height: int, chunks: bytes, flags: int = 2) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBP" + _riff(b"VP8X", bytes([flags, 0, 0, 0]) + size) + chunks
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _webp_frame() -> bytes:
    still = encode(Image.new("RGB", (1, 1)), "WEBP", lossless=True)[12:]
    return _riff(b"ANMF", bytes(12) + (40).to_bytes(3, "little") + b"\0" + still)


def webp_claims() -> bytes:
    """An animation of 16,383 x 16,383 pixels."""
    return _webp(16_383, 16_383, _riff(b"ANIM", bytes(6)) + _webp_frame())


def webp_huge() -> bytes:
    """An animation of 16 million x 200 pixels."""
    return _webp(2**24, 200, _riff(b"ANIM", bytes(6)) + _webp_frame())


def webp_frames() -> bytes:
    """300,000 frames of one pixel on a canvas just under the limit."""
    return _webp(UNDER, UNDER, _riff(b"ANIM", bytes(6)) + _webp_frame() * 300_000)


def bmp_claims() -> bytes:
    """2,147,483,647 x -2,147,483,647 pixels."""
    return b"BM" + struct.pack(
        "<IHHIIiiHHIIiiII", 2**32 - 1, 0, 0, 54, 40, 2**31 - 1, 1 - 2**31, 1, 32, 0, 0, 0, 0, 0, 0
    )


def bmp_runs() -> bytes:
    """Run lengths for many more pixels than a bitmap of 64 x 64 has."""
    header = struct.pack("<IHHIIiiHHIIiiII", 0, 0, 0, 1078, 40, 64, 64, 1, 8, 1, 0, 0, 0, 256, 0)
    return b"BM" + header + bytes(1024) + b"\xff\1" * 9_000_000


def bmp_palette() -> bytes:
    """A palette of four thousand million colors."""
    return (
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 0, 0, 0, 54, 40, 64, 64, 1, 8, 0, 0, 0, 0, 2**32 - 1, 0) + bytes(4096)
    )


BOMBS: Mapping[str, Callable[[], bytes]] = {
    **BOX_BOMBS,
    **RARE_BOMBS,
    **{
        function.__name__.replace("_", " "): function
        for function in (
            png_one_bit, png_interlaced, png_inflates, png_texts, png_international_texts, png_large_text, png_profile,
            png_chunks, png_pieces, png_frames, png_exif, jpeg_claims, jpeg_nothing, jpeg_scans, jpeg_segments,
            jpeg_filling, jpeg_exif, tiff_claims, tiff_strip, tiff_tiles, tiff_strips, tiff_loop, tiff_pages,
            tiff_page_tags, tiff_tags, tiff_big_tags, gif_claims, gif_frames, gif_comment, gif_comments, webp_claims,
            webp_huge, webp_frames, bmp_claims, bmp_runs, bmp_palette,
        )
    },
}  # fmt: skip
