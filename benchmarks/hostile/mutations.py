"""Damage done to image files, at random and repeatably: what the fuzzer sends."""

import random
import re
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

from benchmarks.hostile.specimens import PNG_SIGNATURE, chunk

# Sizes at which decoders go wrong: none, one, limits of their integers, the API's own limits.
SIZES = (0, 1, 2, 7, 255, 256, 1_599, 1_600, 7_071, 7_072, 16_383, 16_384, 32_767, 65_500, 65_535)
LENGTHS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF4, 0xFFFFFFFF)
SIGNATURES = (
    PNG_SIGNATURE,
    b"\xff\xd8\xff\xe0",
    b"GIF89a",
    b"BM",
    b"II*\0",
    b"MM\0*",
    b"RIFF\xff\xff\0\0WEBPVP8X",
    b"%PDF",
    b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf",
    b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf",
    b"\0\0\0\x0cjP  \r\n\x87\n",
    b"\xff\x4f\xff\x51",
    b"P2\n9 9\n",
    b"P6 ",
    b"\0\0\1\0\1\0",
    b"\0\0\2\0\0\0\0\0",
)

Files: TypeAlias = Mapping[str, bytes]
Mutation: TypeAlias = Callable[[random.Random, bytes, Files], bytes]


def flip_bits(rng: random.Random, file: bytes, _: Files) -> bytes:
    """Some bits turned over."""
    damaged = bytearray(file)
    for _number in range(rng.choice((1, 2, 5, 20, 200))):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def flip_head(rng: random.Random, file: bytes, _: Files) -> bytes:
    """Some bytes replaced among the first hundred, where sizes and kinds are."""
    damaged = bytearray(file)
    for _number in range(rng.randint(1, 4)):
        damaged[rng.randrange(min(100, len(damaged)))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
    return bytes(damaged)


def cut_off(rng: random.Random, file: bytes, _: Files) -> bytes:
    """The file without its end."""
    return file[: rng.randrange(len(file))]


def cut_out(rng: random.Random, file: bytes, _: Files) -> bytes:
    """The file without a piece of its middle."""
    start = rng.randrange(len(file))
    return file[:start] + file[start + rng.choice((1, 2, 4, 16, 1000)) :]


def repeat(rng: random.Random, file: bytes, _: Files) -> bytes:
    """A piece of the file, many times."""
    start = rng.randrange(len(file))
    end = start + rng.randint(1, 200)
    return file[:end] + file[start:end] * rng.choice((1, 10, 1000)) + file[end:]


def splice(rng: random.Random, file: bytes, files: Files) -> bytes:
    """The beginning of one file and the end of another."""
    other = rng.choice(list(files.values()))
    return file[: rng.randrange(len(file))] + other[rng.randrange(len(other)) :]


def append(rng: random.Random, file: bytes, files: Files) -> bytes:
    """More after its end: bytes of no meaning, or another file."""
    more = rng.choice((rng.randbytes(rng.choice((1, 100, 5000))), bytes(1000), rng.choice(list(files.values())), file))
    return file + more


def prepend(rng: random.Random, file: bytes, _: Files) -> bytes:
    """Something before its beginning: another format's signature, or bytes of no meaning."""
    return rng.choice((*SIGNATURES, rng.randbytes(rng.randint(1, 20)), b"\r\n", b"\xef\xbb\xbf")) + file


def confuse(rng: random.Random, file: bytes, _: Files) -> bytes:
    """The signature of one format over the beginning of another."""
    signature = rng.choice(SIGNATURES)
    return signature + file[len(signature) :]


def overwrite_numbers(rng: random.Random, file: bytes, _: Files) -> bytes:
    """Extreme numbers somewhere, in either byte order: lengths, offsets, counts."""
    damaged = bytearray(file)
    for _number in range(rng.randint(1, 3)):
        form = rng.choice((">I", "<I", ">H", "<H"))
        size = struct.calcsize(form)
        at = rng.randrange(max(1, min(rng.choice((64, 256, len(file))), len(file)) - size))
        damaged[at : at + size] = struct.pack(form, rng.choice(LENGTHS) & (256**size - 1))
    return bytes(damaged)


def claim_size(rng: random.Random, file: bytes, _: Files) -> bytes:
    """Another width and height in the header, whose checksum, if there is one, is right again."""
    width, height = rng.choice(SIZES), rng.choice(SIZES)
    damaged = bytearray(file)
    if len(file) < 40:
        return file
    if file.startswith(PNG_SIGNATURE):
        return _png_with_header(rng, file, width, height)
    if file.startswith(b"\xff\xd8"):
        at = max(file.find(b"\xff\xc0"), file.find(b"\xff\xc2"))
        damaged[at + 5 : at + 9] = struct.pack(">HH", height, width)
    elif file.startswith(b"GIF"):
        at = rng.choice((6, max(6, file.find(b",") + 5)))
        damaged[at : at + 4] = struct.pack("<HH", width, height)
    elif file.startswith(b"BM"):
        damaged[18:26] = struct.pack("<ii", width, rng.choice((height, -height)))
    elif file[8:12] == b"WEBP":
        damaged[24:30] = (width | height << 24).to_bytes(6, "little")
    elif file[4:8] == b"ftyp":
        at = file.find(b"ispe") + 8
        damaged[at : at + 8] = struct.pack(">II", width, height)
    elif b"\xff\x4f\xff\x51" in file:
        return _jpeg2000_with_size(rng, file, width, height)
    elif file.startswith(b"P"):
        return re.sub(rb"\n\d+ \d+\n", b"\n%d %d\n" % (width, height), file, count=1)
    elif file.startswith(b"\0\0\1\0"):
        at = int.from_bytes(file[18:22], "little")
        damaged[at + 4 : at + 12] = struct.pack("<ii", width, rng.choice((height, 2 * height, 2 * width)))
    elif file[1] < 2 and file[2] < 12:
        damaged[12:16] = struct.pack("<HH", width, height)
    else:
        return _with_tiff_tag(file, rng.choice((256, 257, 278, 322, 323)), rng.choice((width, 2**31, 2**32 - 1)))
    return bytes(damaged)


def _jpeg2000_with_size(rng: random.Random, file: bytes, width: int, height: int) -> bytes:
    """The file with another size of picture, tiles or blocks, in all of its headers."""
    damaged = bytearray(file)
    at = file.find(b"\xff\x4f\xff\x51") + 8
    place = rng.choice((0, 0, 8, 16, 24))
    damaged[at + place : at + place + 8] = struct.pack(">II", width, height)
    if (box := file.find(b"ihdr")) >= 0 and place == 0:
        damaged[box + 4 : box + 12] = struct.pack(">II", height, width)
    style = file.find(b"\xff\x52")
    if rng.random() < 0.3 and 0 <= style < len(file) - 14:
        damaged[style + rng.randrange(4, 14)] = rng.choice((0, 1, 2, 5, 12, 32, 255))
    return bytes(damaged)


def _png_with_header(rng: random.Random, file: bytes, width: int, height: int) -> bytes:
    depth, color, packing, filtering, interlace = file[24:29]
    if rng.random() < 0.3:
        depth, color = rng.choice((1, 2, 4, 8, 16, 3)), rng.choice((0, 2, 3, 4, 6, 7))
        interlace = rng.choice((0, 1, 2))
    header = struct.pack(">IIBBBBB", width, height, depth, color, packing, filtering, interlace)
    return PNG_SIGNATURE + chunk(b"IHDR", header) + file[33:]


def _with_tiff_tag(file: bytes, tag: int, value: int) -> bytes:
    """The file with the value of one tag of its first directory changed, if it has that tag."""
    entry = file.find(struct.pack("<H", tag), 8)
    if entry < 0:
        return file
    return file[: entry + 8] + struct.pack("<I", value & 0xFFFFFFFF) + file[entry + 12 :]


def shuffle_chunks(rng: random.Random, file: bytes, files: Files) -> bytes:
    """The chunks of a PNG file in disorder, doubled, left out or foreign; of other files, any pieces so."""
    pieces = _chunks(file) if file.startswith(PNG_SIGNATURE) else _pieces(rng, file)
    foreign = rng.choice([one for one in files.values() if one.startswith(PNG_SIGNATURE)])
    head, *rest = pieces
    action = rng.randrange(4)
    if action == 0:
        rng.shuffle(rest)
    elif action == 1:
        rest.insert(rng.randrange(len(rest) + 1), rng.choice(_chunks(foreign)[1:]))
    elif action == 2 and rest:
        rest.pop(rng.randrange(len(rest)))
    else:
        rest += rest
    return b"".join([head, *rest])


def _chunks(file: bytes) -> list[bytes]:
    chunks, at = [file[:8]], 8
    while at + 12 <= len(file):
        end = at + 12 + int.from_bytes(file[at : at + 4])
        chunks.append(file[at:end])
        at = end
    return chunks


def _pieces(rng: random.Random, file: bytes) -> list[bytes]:
    cuts = sorted({0, len(file), *(rng.randrange(len(file)) for _ in range(4))})
    return [file[start:end] for start, end in pairwise(cuts)]


def add_chunk(rng: random.Random, file: bytes, _: Files) -> bytes:
    """A PNG chunk with a right checksum and a wrong content; into other files, a segment of a JPEG file."""
    kind = rng.choice(
        (b"zTXt", b"iTXt", b"tEXt", b"iCCP", b"eXIf", b"acTL", b"fcTL", b"fdAT", b"tRNS", b"PLTE", b"gAMA")
    )
    packed = zlib.compress(bytes(rng.choice((10, 100_000, 3_000_000))))
    content = rng.choice(
        (b"", rng.randbytes(rng.choice((1, 13, 26, 300))), b"Comment\0\0" + packed, b"Comment\0\1\0\0\0" + packed)
    )
    if file.startswith(PNG_SIGNATURE):
        at = rng.choice((33, 8, max(33, len(file) - 12)))
        return file[:at] + chunk(kind, content) * rng.choice((1, 1, 50)) + file[at:]
    marker = bytes([0xFF, rng.choice((0xC0, 0xC4, 0xDA, 0xDB, 0xDD, 0xE0, 0xE1, 0xE2, 0xED, 0xFE))])
    segment = marker + struct.pack(">H", rng.choice((0, 1, 2, len(content[:60_000]) + 2))) + content[:60_000]
    return file[:2] + segment * rng.choice((1, 3)) + file[2:]


def turn(rng: random.Random, file: bytes, _: Files) -> bytes:
    """EXIF data of no sense: orientations that there are not, wrong types, loops, counts beyond the end."""
    order = rng.choice(("<", ">"))
    entries = [
        struct.pack(
            order + "HHII",
            rng.choice((0x0112, 0x8769, 0x8825, 0x011A, 0xA005, rng.randrange(65_536))),
            rng.choice((1, 2, 3, 4, 5, 7, 12, 0, 99)),
            rng.choice((0, 1, 2, *LENGTHS)),
            rng.choice((6 if order == "<" else 6 << 16, 0, 8, 9, *LENGTHS)),
        )
        for _number in range(rng.choice((1, 2, 30)))
    ]
    magic = b"II*\0" if order == "<" else b"MM\0*"
    directory = struct.pack(order + "IH", 8, rng.choice((len(entries), 0, 65_535))) + b"".join(entries)
    exif = magic + directory + struct.pack(order + "I", rng.choice((0, 8, 0xFFFFFFFF)))
    if file.startswith(PNG_SIGNATURE):
        return file[:33] + chunk(b"eXIf", exif) + file[33:]
    if file.startswith(b"\xff\xd8"):
        return file[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 8) + b"Exif\0\0" + exif + file[2:]
    return exif + file


def leave(_rng: random.Random, file: bytes, _files: Files) -> bytes:
    """Nothing done: the answer has to be a digit, or that there are several."""
    return file


MUTATIONS: Sequence[Mutation] = (
    flip_bits, flip_head, cut_off, cut_out, repeat, splice, append, prepend, confuse, overwrite_numbers, claim_size,
    claim_size, shuffle_chunks, add_chunk, add_chunk, turn, leave,
)  # fmt: skip


def mutate(rng: random.Random, files: Files) -> tuple[str, bytes]:
    """A damaged file, and in words what it was and what was done to it.

    Args:
        rng: decides everything; the same state gives the same file.
        files: undamaged ones by name.
    """
    name = rng.choice(list(files))
    file, done = files[name], []
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        mutation = rng.choice(MUTATIONS)
        file = mutation(rng, file, files) or b"\0"
        done.append(mutation.__name__)
    return f"{name}: {', '.join(done)}", file
