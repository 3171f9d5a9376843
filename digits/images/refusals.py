"""Errors for the person who sent an image that cannot be read."""

import contextlib
from collections.abc import Iterator

from PIL import Image

from digits.errors import (
    DigitsError,
    MissingInstallError,
    NoSuchPageError,
    TooManyPixelsError,
    UnsupportedFormatError,
    is_out_of_files,
)
from digits.images.formats import in_words, is_installed
from digits.images.limits import ImageLimits
from digits.images.screening.screened import broken


def no_such_page(page: int, pages: int) -> NoSuchPageError:
    """Returns the error for a page that a file of `pages` pages does not have."""
    if pages == 1:
        return NoSuchPageError(f"The file has one page, and page {page} was asked for. Leave out the page.")
    return NoSuchPageError(
        f"The file has {pages:,} pages, and page {page} was asked for. Ask for a page from 1 to {pages:,}."
    )


def unsupported(limits: ImageLimits, why: str = "", name: str | None = None) -> UnsupportedFormatError:
    """Returns the error for a file of a format that is not read.

    Args:
        limits: name the formats that are read.
        why: a sentence that says more, with a blank before it.
        name: of the format, if it would be read but for a part of the install.
    """
    readable = [other for other in limits.formats if other != name and is_installed(other)]
    return UnsupportedFormatError(
        f"This is not an image that can be read.{why} Use a {in_words(readable or limits.formats)} file."
    )


def is_lack(error: Exception) -> bool:
    """Returns whether this process lacked memory, a library, or the leave to open a file: no image is at fault."""
    return isinstance(error, MemoryError | ImportError) or is_out_of_files(error)


@contextlib.contextmanager
def told_as_image_errors(limits: ImageLimits, name: str | None = None) -> Iterator[None]:
    """Turns what a decoder raises inside into errors for the person who sent the image.

    Args:
        limits: name the formats that are read.
        name: of the image's format.
    """
    try:
        yield
    except Exception as error:
        told = _as_image_error(error, limits, name)
        if told is error:
            # Its cause stays its own.
            raise
        raise told from error


def _as_image_error(error: Exception, limits: ImageLimits, name: str | None) -> Exception:
    if isinstance(error, MissingInstallError):
        return unsupported(limits, f" {error}", name)
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return TooManyPixelsError(
            f"The image has more than the {limits.max_pixels:,} pixels allowed. Use a smaller one."
        )
    if isinstance(error, DigitsError) or is_lack(error):
        return error
    # On damaged bytes the decoders raise nearly anything: OSError, SyntaxError, struct.error, ValueError ...
    reason = (str(error).splitlines() or [""])[0][:120] or type(error).__name__
    return broken(reason)
