"""Opens and decodes image files safely: any bytes become an array or raise an `ImageError`."""

import io
from collections.abc import Callable
from types import TracebackType

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from digits import budget
from digits.errors import (
    BrokenImageError,
    EmptyFileError,
    ImageTooLargeError,
    MissingInstallError,
    TooManyFramesError,
    TooManyPixelsError,
)
from digits.images.formats import ImageFormat, format_of
from digits.images.limits import ImageLimits, too_many_bytes
from digits.images.memory import decoding_bytes
from digits.images.pdf.document import PdfDocument
from digits.images.pixels import gray_if_equal, upright_jpeg, upright_pixels
from digits.images.plain_png import decode_plain_png, plain_png_size
from digits.images.reducing import LEAST_SIDE
from digits.images.refusals import no_such_page, told_as_image_errors, unsupported
from digits.images.screening.screen import screen
from digits.images.screening.screened import Screened, broken

_REDUCED_SIDE = 2 * LEAST_SIDE
# PNG and JPEG files of no more bytes and pixels are decoded in a millisecond or two, whatever is in them, but for JPEG
# files in many passes.
_QUICK_BYTES, _QUICK_PIXELS = 16 * 1024, 300 * 300
# JPEG images are decoded at an eighth of their size at the least. Of those with so many pixels on the longer side, that
# is a smaller copy than `decode` makes.
_SMALLEST_SCALE = 8
_LEAST_COPIED, _MOST_COPIED = 2 * LEAST_SIDE, _SMALLEST_SCALE * (LEAST_SIDE - 1)
_LONG_SIGNATURE = 12
_TILE_WIDTH, _TILE_LENGTH = 322, 323


class OpenedImage:
    """An image file of which the header was read, and no pixel yet. `open_image` makes it.

    Attributes:
        width, height: in pixels, as stored.
        upright_size: (width, height) as a person sees the picture; known once it is decoded.
        page: which page is opened, from 1.
        pages: how many pages the file has; 1 for animations, of which the first frame is read.
        is_plain: whether the file takes little time and memory to decode, so that a thread of its own costs more.

    Args:
        data: the file.
        limits: what it may cost.
        size: (width, height) in pixels if it is a plain PNG file of moderate size; None for all other files.
        page: which page to read, from 1.
    """

    def __init__(self, data: bytes, limits: ImageLimits, size: tuple[int, int] | None, page: int = 1) -> None:
        self._data = data
        self.page, self.pages = page, 1
        self._limits = limits
        self._is_plain_png = self.is_plain = size is not None
        self._screened: Screened | None = None
        self._image: Image.Image | None = None
        self._document: PdfDocument | None = None
        self._is_held = False
        if size is None:
            size = self._open_page()
            is_small = len(data) <= _QUICK_BYTES and size[0] * size[1] <= _QUICK_PIXELS
            is_quick = self._image is not None and self._image.format in ("PNG", "JPEG")
            self.is_plain = is_small and is_quick and not (self._screened and self._screened.is_in_passes)
        self.width, self.height = self.upright_size = size

    def __enter__(self) -> "OpenedImage":
        """Holds the file, so that its pages can be decoded one after the other faster."""
        self._is_held = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Lets go of the file."""
        self._is_held = False
        self._close()

    def _close(self) -> None:
        if self._image is not None:
            self._image.close()
        if self._document is not None:
            self._document.close()
        self._image = self._document = None

    def turn_to(self, page: int) -> None:
        """Opens another page of the file: reads its header, and lets go of the page before it.

        Args:
            page: from 1.

        Raises:
            NoSuchPageError: the file has no such page.
            TooManyPixelsError: the page is over the limit.
            BrokenImageError: its header is damaged.
        """
        if not 1 <= page <= self.pages:
            raise no_such_page(page, self.pages)
        if page != self.page:
            self.page = page
            self.width, self.height = self.upright_size = self._open_page()

    def decoding_bytes(self, enough: int = LEAST_SIDE) -> int:
        """Returns an estimate of the memory that `decode` takes at its peak, in bytes, without decoding anything.

        A service that decodes several images at a time can let those in that fit into its memory together.
        """
        size = (self.width, self.height)
        if not self._is_plain_png and self._image is None and self._document is None:
            self._open_page()
        if self._image is None:
            return size[0] * size[1] * 8
        screened = self._screened or Screened(self._data)
        copied = 0 if screened.data is self._data else len(screened.data)
        return copied + decoding_bytes(self._image, screened, size, enough)

    def decode(self, enough: int = LEAST_SIDE) -> npt.NDArray[np.uint8]:
        """Decodes the file into upright pixels.

        Applies the EXIF orientation, puts transparency on a contrasting ground, stretches gray samples of 16 bits
        and more to 8, takes the first frame of an animation, and reduces large images.

        Args:
            enough: an image with twice as many pixels on the longer side, or more, is reduced by a whole number,
                to no fewer than these.

        Returns:
            uint8 array of shape (height, width) for gray images and for those whose three channels are equal,
            (height, width, 3) in RGB order for colored ones.

        Raises:
            BrokenImageError: the decoder gave up; the file is damaged or cut off.
            TooManyPixelsError: it takes more memory than `digits.budget.bounded_memory` allows for one image.
            MemoryBusyError: other images take the memory that `digits.budget.bounded_memory` allows.
        """
        if self._document is not None:
            # It has counted its memory since it was opened.
            return self._decode(enough)
        with budget.memory(lambda: self.decoding_bytes(enough)):
            return self._decode(enough)

    def decode_copy(self, side: int) -> npt.NDArray[np.uint8] | None:
        """Decodes a smaller copy of a large color photo in JPEG than `decode`, in less time; `decode` may follow.

        Args:
            side: pixels that are enough on the longer side of the copy.

        Returns:
            Upright pixels, uint8 of shape (height, width) or (height, width, 3); None if it is no such photo.
        """
        image, screened = self._image, self._screened
        longer = max(self.width, self.height)
        # Of gray photos, a smaller copy takes nearly as long: most of the time goes to what every copy needs.
        if image is None or screened is None or image.mode != "RGB" or not _LEAST_COPIED <= longer < _MOST_COPIED:
            return None
        enough = max(side, longer // _SMALLEST_SCALE)
        with told_as_image_errors(self._limits), budget.memory(lambda: self.decoding_bytes(enough)):
            return upright_jpeg(image, screened, enough) if screened.is_whole else None

    def _decode(self, enough: int) -> npt.NDArray[np.uint8]:
        if self._is_plain_png and (pixels := decode_plain_png(self._data)) is not None:
            return gray_if_equal(pixels) if pixels.ndim == 3 else pixels
        if self._image is None and self._document is None:
            self._open_page()
        if self._document is not None:
            return self._draw(self._document, enough)
        image, self._image = self._image, None
        if image is None:
            raise broken("it has no pixels")
        screened = self._screened or Screened(self._data)
        if not screened.is_whole:
            raise BrokenImageError(
                "The image file is damaged or cut off: it is too short to hold as many pixels as it says. "
                "Save or photograph it again and use the new file."
            )
        with told_as_image_errors(self._limits, image.format), image:
            pixels, is_quarter_turn = upright_pixels(image, screened, enough)
        self.upright_size = (self.height, self.width) if is_quarter_turn else (self.width, self.height)
        return pixels

    def _draw(self, document: PdfDocument, enough: int) -> npt.NDArray[np.uint8]:
        """Returns the page of a document in pixels, drawn smaller by a whole number if it is large."""
        factor = max(1, max(self.width, self.height) // enough)
        try:
            pixels = document.draw(self.page, -(-self.width // factor), -(-self.height // factor))
        finally:
            if not self._is_held:
                self._close()
        return gray_if_equal(pixels)

    def _open_page(self) -> tuple[int, int]:
        """Reads the header of the page; returns its size (width, height) in pixels."""
        image_format = format_of(self._data)
        if image_format is None or image_format.name not in self._limits.formats:
            raise unsupported(self._limits)
        if image_format.document is None:
            self._image = self._open(image_format)
            return self._check_size(self._image)
        if self._document is None:
            try:
                screened = screen(self._data)
                self._document = image_format.document(screened.data, self._limits.max_frames, self._limits.max_pixels)
            except MissingInstallError as error:
                raise unsupported(self._limits, f" {error}", image_format.name) from None
        self.pages = len(self._document.sizes)
        if not 1 <= self.page <= self.pages:
            self._close()
            raise no_such_page(self.page, self.pages)
        return self._document.sizes[self.page - 1]

    def _open(self, image_format: ImageFormat) -> Image.Image:
        screened = self._screened or screen(self._data)
        if screened.frames > self._limits.max_frames:
            raise TooManyFramesError(
                f"The image has more than the {self._limits.max_frames:,} frames or pages allowed. "
                "Use the one that shows the digit."
            )
        self._screened = screened
        with told_as_image_errors(self._limits, image_format.name):
            try:
                opener = image_format.opener or _open_with_pillow(image_format.name)
                image = opener(screened.data)
            except UnidentifiedImageError as error:
                # A short signature may start any file; a long one is no accident.
                signature = image_format.signature.match(self._data)
                if signature and signature.end() >= _LONG_SIGNATURE:
                    raise broken("its header cannot be read") from error
                raise unsupported(self._limits) from error
        if screened.coded_pixels > max(4 * image.width * image.height, 512 * 512):
            raise TooManyPixelsError(
                f"The file holds an image of {screened.coded_pixels:,} pixels, many times as many as the picture has. "
                "Save it anew, as PNG."
            )
        self.pages = len(screened.pages)
        if not 1 <= self.page <= self.pages:
            raise no_such_page(self.page, self.pages)
        if frame := screened.pages[self.page - 1]:
            with told_as_image_errors(self._limits):
                image.seek(frame)
        # A TIFF file's tiles may be far larger than its image, and each is decoded whole.
        tags = getattr(image, "tag_v2", {})
        tile = tags.get(_TILE_WIDTH, 1) * tags.get(_TILE_LENGTH, 1)
        if isinstance(tile, int) and tile > max(4 * image.width * image.height, 512 * 512):
            raise TooManyPixelsError(
                f"The TIFF file has tiles of {tile:,} pixels, many times as many as its image. Save it anew, as PNG."
            )
        return image

    def _check_size(self, image: Image.Image) -> tuple[int, int]:
        """Returns the size (width, height) in pixels of the opened page.

        Raises:
            TooManyPixelsError: it is over the limit.
        """
        canvas = self._screened.canvas if self._screened else None
        width, height = (canvas.width, canvas.height) if canvas else image.size
        if width * height > self._limits.max_pixels:
            raise TooManyPixelsError(
                f"The image has {width:,} x {height:,} pixels, more than the {self._limits.max_pixels:,} allowed. "
                "Scale it down or crop it to what is written."
            )
        return width, height


def open_image(data: bytes | bytearray | memoryview, limits: ImageLimits | None = None, page: int = 1) -> OpenedImage:
    """Reads the header of an image file, and no pixel. Of a plain PNG file, it also checks that all of it is undamaged.

    This takes microseconds for a small file, and some milliseconds for one of many megabytes.

    Args:
        data: the file, in one of the formats of `digits.images.formats`.
        limits: what the file may cost; `ImageLimits()` if None.
        page: of a document (TIFF) of several pages, which to read, from 1.

    Raises:
        EmptyFileError: the file has no bytes.
        ImageTooLargeError, TooManyPixelsError, TooManyFramesError: the file is over one of the limits.
        UnsupportedFormatError: not an image, or of another format.
        BrokenImageError: its header is damaged.
        NoSuchPageError: the file has no such page.
        TypeError: `data` is not bytes.
    """
    limits = limits or ImageLimits()
    if isinstance(data, (bytearray, memoryview)):
        data = bytes(data)
    if not isinstance(data, bytes):
        raise TypeError(
            f"An image is given as the bytes of its file, such as Path('photo.jpg').read_bytes(), not as a "
            f"{type(data).__name__}."
        )
    if not data:
        raise EmptyFileError("The file is empty (0 bytes). Choose an image file instead.")
    if len(data) > limits.max_bytes:
        raise ImageTooLargeError(too_many_bytes(limits.max_bytes))
    size = plain_png_size(data, _REDUCED_SIDE) if "PNG" in limits.formats and page == 1 else None
    if size and size[0] * size[1] > limits.max_pixels:
        # Opened as any other image, it is refused as any other.
        size = None
    return OpenedImage(data, limits, size, page)


def decode(data: bytes, limits: ImageLimits | None = None) -> npt.NDArray[np.uint8]:
    """Decodes an image file into upright pixels: `open_image` and `OpenedImage.decode` in one call.

    Returns:
        uint8 of shape (height, width), gray, or (height, width, 3), RGB.

    Raises:
        ImageError: the file cannot be read, or is over a limit.
    """
    return open_image(data, limits).decode()


def _open_with_pillow(name: str) -> Callable[[bytes], Image.Image]:
    return lambda data: Image.open(io.BytesIO(data), formats=(name,))
