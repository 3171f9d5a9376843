"""Draws the pages of a PDF file: the program of the process that `digits.images.pdf.document` starts.

It imports nothing of Digits, so that it starts fast and takes little memory. It runs no script and fills in no form:
the library that draws is built without JavaScript, and fields of forms are not set up.

Its one argument is the most pages that the file may have. The first line of the output is `pages COUNT`, followed by a
line `WIDTH HEIGHT` for each page, in points (1/72 inch), unless there are more than that; or it is `encrypted` or
`broken`, and the program ends. Then each line of the input, `PAGE WIDTH HEIGHT` with the page from 0, asks for a page
in pixels. The answer is a line `pixels` and their bytes, RGB, or a line `broken`.
"""

import ctypes
import sys
from typing import Any, BinaryIO

import pypdfium2_raw as pdfium

_WHITE = 0xFFFFFFFF


def main(data: bytes, most_pages: int) -> int:
    """Opens the file and draws the pages that the input asks for; returns the exit code.

    Args:
        data: the file.
        most_pages: a file of more pages is counted, and not read further.
    """
    pdfium.FPDF_InitLibraryWithConfig(pdfium.FPDF_LIBRARY_CONFIG(2, None, None, 0))
    output = sys.stdout.buffer
    document = pdfium.FPDF_LoadMemDocument64(data, len(data), None)
    if not document:
        is_locked = pdfium.FPDF_GetLastError() in (pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY)
        output.write(b"encrypted\n" if is_locked else b"broken\n")
        return 0
    count = pdfium.FPDF_GetPageCount(document)
    output.write(b"pages %d\n" % count)
    size = pdfium.FS_SIZEF()
    for number in range(count if count <= most_pages else 0):
        is_known = pdfium.FPDF_GetPageSizeByIndexF(document, number, size)
        output.write(b"%g %g\n" % ((size.width, size.height) if is_known else (0.0, 0.0)))
    output.flush()
    for line in sys.stdin.buffer:
        number, width, height = map(int, line.split())
        _draw(document, number, width, height, output)
        output.flush()
    return 0


def _draw(document: Any, number: int, width: int, height: int, output: BinaryIO) -> None:
    """Writes a page on white paper, with annotations: what was written on it later, such as with a pen on a tablet."""
    page = pdfium.FPDF_LoadPage(document, number)
    bitmap = pdfium.FPDFBitmap_CreateEx(width, height, pdfium.FPDFBitmap_BGR, None, 0) if page else None
    if not bitmap:
        output.write(b"broken\n")
        return
    pdfium.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, _WHITE)
    flags = pdfium.FPDF_ANNOT | pdfium.FPDF_REVERSE_BYTE_ORDER
    pdfium.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, flags)
    start, stride = pdfium.FPDFBitmap_GetBuffer(bitmap), pdfium.FPDFBitmap_GetStride(bitmap)
    address = ctypes.cast(start, ctypes.c_void_p).value or 0
    output.write(b"pixels\n")
    for row in range(height):
        output.write(ctypes.string_at(address + row * stride, 3 * width))
    pdfium.FPDFBitmap_Destroy(bitmap)
    pdfium.FPDF_ClosePage(page)
