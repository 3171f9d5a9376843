"""The table of image formats: decoder, API, app and command line all read it.

To accept another format, add an entry here and a screener in `digits.images.screening`.
"""

import importlib.util
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from digits.errors import MissingInstallError
from digits.images.codecs.heif import open_heif
from digits.images.codecs.ico import open_ico
from digits.images.codecs.tga import open_tga
from digits.images.screening.bmp import screen_bmp
from digits.images.screening.boxes import screen_boxes
from digits.images.screening.gif import screen_gif
from digits.images.screening.jpeg import screen_jpeg
from digits.images.screening.jpeg2000.file import screen_jpeg2000
from digits.images.screening.pdf import screen_pdf
from digits.images.screening.png import screen_png
from digits.images.screening.rare.ico import screen_ico
from digits.images.screening.rare.pcx import PCX_SIGNATURE, screen_pcx
from digits.images.screening.rare.pnm import screen_pnm
from digits.images.screening.rare.tga import TGA_SIGNATURE, screen_tga
from digits.images.screening.screened import Screened
from digits.images.screening.tiff import screen_tiff
from digits.images.screening.webp import screen_webp
from digits.installation import Extra, install_command

if TYPE_CHECKING:
    from PIL import Image

    from digits.images.pdf.document import PdfDocument


@dataclass(frozen=True)
class ImageFormat:
    """An image format that Digits reads.

    Args:
        name: in settings, and as Pillow calls its decoder.
        label: for people.
        suffixes: of file names, in lower case, the usual one first.
        media_type: the MIME type.
        signature: a regular expression that matches the first bytes of every such file. Formats are told by content,
            never by file name or media type.
        screener: checks how a file is built before a decoder sees it.
        extra: the optional part of the install that decodes it; None if Pillow does.
        opener: reads the header of a file; None if Pillow does.
        document: opens a file whose pages are no pixels yet, with the most pages and pixels of a page, in a process of
            its own; None for all others.
    """

    name: str
    label: str
    suffixes: tuple[str, ...]
    media_type: str
    signature: re.Pattern[bytes]
    screener: Callable[[bytes], Screened]
    extra: Extra | None = None
    opener: "Callable[[bytes], Image.Image] | None" = None
    document: "Callable[[bytes, int, int], PdfDocument] | None" = None


def open_pdf(data: bytes, most_pages: int, most_pixels: int) -> "PdfDocument":
    """Opens a PDF file; arguments and further errors as for `PdfDocument`.

    Raises:
        MissingInstallError: pypdfium2 is not installed.
    """
    if not is_installed("PDF"):
        raise MissingInstallError(
            f"PDF files need pypdfium2, which is not installed. Install it with: {install_command('pdf')}."
        )
    # It loads NumPy, which the command line does not need to list formats.
    from digits.images.pdf.document import PdfDocument

    return PdfDocument(data, most_pages, most_pixels)


def open_pnm(data: bytes) -> "Image.Image":
    """Reads the header of a PNM file that was screened."""
    # It loads NumPy, as above.
    from digits.images.codecs import pnm

    return pnm.open_pnm(data)


def _starts(expression: bytes) -> re.Pattern[bytes]:
    return re.compile(expression, re.DOTALL)


def _brand(expression: bytes) -> re.Pattern[bytes]:
    """Matches a file of boxes whose first brand, or one that it is compatible with, is the given one."""
    return _starts(rb"....ftyp(?:....){0,16}?" + expression)


# In the order in which messages and help texts list them.
TABLE = (
    ImageFormat("PNG", "PNG", (".png",), "image/png", _starts(rb"\x89PNG\r\n\x1a\n"), screen_png),
    ImageFormat("JPEG", "JPEG", (".jpg", ".jpeg"), "image/jpeg", _starts(rb"\xff\xd8"), screen_jpeg),
    ImageFormat("WEBP", "WebP", (".webp",), "image/webp", _starts(rb"RIFF....WEBP"), screen_webp),
    ImageFormat("GIF", "GIF", (".gif",), "image/gif", _starts(rb"GIF8"), screen_gif),
    ImageFormat("BMP", "BMP", (".bmp",), "image/bmp", _starts(rb"BM"), screen_bmp),
    ImageFormat("TIFF", "TIFF", (".tif", ".tiff"), "image/tiff", _starts(rb"II|MM"), screen_tiff),
    ImageFormat("AVIF", "AVIF", (".avif",), "image/avif", _brand(rb"avi[fs]"), screen_boxes),
    ImageFormat(
        "HEIF",
        "HEIC",
        (".heic", ".heif"),
        "image/heic",
        _brand(rb"he[ivc][cmsx]"),
        screen_boxes,
        extra="phone",
        opener=open_heif,
    ),
    ImageFormat(
        "JPEG2000",
        "JPEG 2000",
        (".jp2", ".j2k", ".j2c", ".jpc"),
        "image/jp2",
        _starts(rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51"),
        screen_jpeg2000,
    ),
    ImageFormat(
        "PPM",
        "PNM",
        (".pnm", ".pbm", ".pgm", ".ppm"),
        "image/x-portable-anymap",
        # White space and comments, and then a width.
        _starts(rb"P[1-6](?=[\s#])(?:\s|#[^\r\n]{0,1000}+[\r\n]){1,1000}+\d"),
        screen_pnm,
        opener=open_pnm,
    ),
    # A list of so many pictures, and the first of them: width, height, colors, nothing, planes, bits of a pixel.
    ImageFormat(
        "ICO",
        "ICO",
        (".ico",),
        "image/vnd.microsoft.icon",
        _starts(rb"\x00\x00\x01\x00(?!\x00\x00).{5}[\x00\xff][\x00\x01]\x00[\x00\x01\x04\x08\x10\x18\x20]\x00"),
        screen_ico,
        opener=open_ico,
    ),
    # Some programs write a line before the header.
    ImageFormat(
        "PDF",
        "PDF",
        (".pdf",),
        "application/pdf",
        _starts(rb".{0,1016}?%PDF-\d"),
        screen_pdf,
        extra="pdf",
        document=open_pdf,
    ),
    ImageFormat("PCX", "PCX", (".pcx",), "image/x-pcx", PCX_SIGNATURE, screen_pcx),
    # Without a signature, it is what nothing else is.
    ImageFormat("TGA", "TGA", (".tga",), "image/x-tga", TGA_SIGNATURE, screen_tga, opener=open_tga),
)

# The library that each optional part of the install brings.
_LIBRARIES: dict[Extra, str] = {"pdf": "pypdfium2_raw", "phone": "pillow_heif"}

FORMATS = tuple(image_format.name for image_format in TABLE)
SUFFIXES = tuple(suffix for image_format in TABLE for suffix in image_format.suffixes)

_BY_NAME = {image_format.name: image_format for image_format in TABLE}
_NAMES = {suffix[1:].upper(): image_format.name for image_format in TABLE for suffix in image_format.suffixes}


def format_of(data: bytes) -> ImageFormat | None:
    """Returns the format of a file by its first bytes; None if it is not in the table."""
    return next((image_format for image_format in TABLE if image_format.signature.match(data)), None)


def starts_a_process(data: bytes) -> bool:
    """Returns whether a file is opened in a process of its own, which takes a tenth of a second to start."""
    image_format = format_of(data)
    return image_format is not None and image_format.document is not None


def is_installed(name: str) -> bool:
    """Whether the optional part of the install that a format needs, if any, is there."""
    extra = _BY_NAME[name].extra
    return extra is None or importlib.util.find_spec(_LIBRARIES[extra]) is not None


def format_name(word: str) -> str:
    """Returns the name of the format that a word means in any case, by name or suffix: `jpg` and `JPEG` are `JPEG`.

    A word that means no format is returned in capitals.
    """
    return _NAMES.get(word.upper(), word.upper())


def in_words(names: Iterable[str] = FORMATS) -> str:
    """Returns formats as a list in words, such as "PNG, JPEG or WebP".

    Args:
        names: of formats in the table.
    """
    *labels, last = (_BY_NAME[name].label for name in names)
    return f"{', '.join(labels)} or {last}" if labels else last
