"""PDF files that ask for far more than they are, or for what no reader should do, made by code."""

import zlib
from collections.abc import Callable, Mapping, Sequence

from benchmarks.hostile.deflated import repeated, zeros

# A page of A4 paper, in points.
_A4 = "[0 0 595 842]"
_STROKE = b"20 w 300 200 m 300 600 l S\n"


def pdf_of(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """Returns a PDF file of objects, the first of which is the catalog; they count from 1.

    Args:
        objects: contents of the objects.
        trailer: more entries of the trailer.
    """
    parts, places = [b"%PDF-1.7\n"], list[int]()
    for number, content in enumerate(objects, 1):
        places.append(places[-1] + len(parts[-1]) if places else len(parts[0]))
        parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, content))
    start = places[-1] + len(parts[-1])
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)
    return b"".join([*parts, b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1), table, end])


def stream(content: bytes, entries: bytes = b"") -> bytes:
    """Returns a compressed stream with more entries in its dictionary."""
    return packed_stream(zlib.compress(content, 9), entries)


def packed_stream(packed: bytes, entries: bytes = b"") -> bytes:
    """Returns a stream that is compressed already, with more entries in its dictionary."""
    return b"<</Length %d/Filter/FlateDecode%s>>\nstream\n%s\nendstream" % (len(packed), entries, packed)


def page_of(
    content: bytes, *objects: bytes, box: str = _A4, resources: bytes = b"", catalog: bytes = b"", page: bytes = b""
) -> bytes:
    """Returns a PDF file of one page.

    Args:
        content: the page's stream, uncompressed.
        objects: more objects, from number 5.
        box: the page's media box, in points.
        resources: entries of the page's resources.
        catalog: more entries of the catalog.
        page: more entries of the page.
    """
    first = [
        b"<</Type/Catalog/Pages 2 0 R%s>>" % catalog,
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox%s/Contents 4 0 R/Resources<<%s>>%s>>" % (box.encode(), resources, page),
        stream(content),
    ]
    return pdf_of([*first, *objects])


def many_pages(count: int) -> bytes:
    """A file of so many pages with a stroke each."""
    kids = b" ".join(b"%d 0 R" % (4 + number) for number in range(count))
    page = b"<</Type/Page/Parent 2 0 R/MediaBox%s/Contents 3 0 R/Resources<<>>>>" % _A4.encode()
    pages = b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count)
    return pdf_of([b"<</Type/Catalog/Pages 2 0 R>>", pages, stream(_STROKE), *[page] * count])


def encrypted() -> bytes:
    """A file that needs a password which nobody knows."""
    plain = page_of(_STROKE)
    secret = b"<" + b"5a" * 32 + b">"
    entry = b"/Encrypt<</Filter/Standard/V 1/R 2/O%s/U%s/P -4>>/ID[<00><00>]" % (secret, secret)
    return plain.replace(b"/Root 1 0 R", b"/Root 1 0 R" + entry)


def _image(side: int) -> bytes:
    """A page with an image of so many pixels on a side, all black, in few bytes."""
    entries = b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8" % (side, side)
    image = packed_stream(zeros(3 * side * side), entries)
    return page_of(b"595 0 0 842 0 0 cm /I Do", image, resources=b"/XObject<</I 5 0 R>>")


def _forms(depth: int, width: int) -> bytes:
    """Forms that draw the next one so many times each."""
    forms = [
        stream(
            (b"/F Do " * width if number + 1 < depth else _STROKE),
            b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<</XObject<</F %d 0 R>>>>" % (6 + number),
        )
        for number in range(depth)
    ]
    return page_of(b"/F Do", *forms, resources=b"/XObject<</F 5 0 R>>")


def _scripts() -> bytes:
    """A page with a stroke, a script that runs when the file is opened, and a form with a script."""
    script = b"<</S/JavaScript/JS(while\\(true\\){app.alert\\('x'\\)})>>"
    field = b"<</Type/Annot/Subtype/Widget/FT/Tx/T(a)/V(7)/Rect[50 50 90 90]/P 3 0 R/AA<</C %s/F %s>>>>"
    return page_of(
        _STROKE,
        field % (script, script),
        catalog=b"/OpenAction %s/AcroForm<</Fields[5 0 R]/NeedAppearances true>>" % script,
        page=b"/Annots[5 0 R]/AA<</O %s>>" % script,
    )


def _commands() -> bytes:
    """A page that unpacks to three hundred megabytes of strokes."""
    content = b"0 0 m 595 842 l S 595 0 m 0 842 l S\n" * 100_000
    return page_of(b"").replace(stream(b""), packed_stream(repeated(content, 85)))


# Files by name; none is larger than a megabyte or so.
HOSTILE: Mapping[str, Callable[[], bytes]] = {
    "10,000 pages": lambda: many_pages(10_000),
    "a count of a billion": lambda: many_pages(1).replace(b"/Count 1", b"/Count 1000000000"),
    "a page of 1e30 points": lambda: page_of(_STROKE, box="[0 0 1e30 1e30]"),
    "a page of 200 x 200 inches": lambda: page_of(_STROKE, box="[0 0 14400 14400]"),
    "a page as thin as a hair": lambda: page_of(_STROKE, box="[0 0 14400 0.01]"),
    "a page without size": lambda: page_of(_STROKE, box="[0 0 0 0]"),
    "a page with a box of words": lambda: page_of(_STROKE, box="[/a /b /c /d]"),
    "nested arrays": lambda: page_of(_STROKE, b"[" * 500_000 + b"]" * 500_000, page=b"/A 5 0 R"),
    "nested arrays in the page": lambda: page_of(_STROKE, page=b"/A" + b"[" * 200_000 + b"]" * 200_000),
    "nested commands": lambda: page_of(b"q " * 1_000_000 + _STROKE),
    "pages in a circle": lambda: page_of(_STROKE).replace(b"/Kids[3 0 R]", b"/Kids[2 0 R]"),
    "a form that draws itself": lambda: page_of(
        b"/F Do",
        stream(b"/F Do", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F 5 0 R>>>>"),
        resources=b"/XObject<</F 5 0 R>>",
    ),
    "forms that multiply": lambda: _forms(8, 30),
    "a stream that unpacks to a gigabyte": lambda: page_of(b"").replace(stream(b""), packed_stream(zeros(1024**3))),
    "a stream of strokes that unpacks to 300 MB": _commands,
    "an image of a gigapixel": lambda: _image(20_000),
    "scripts and a form": _scripts,
    "encrypted": encrypted,
    "cut off": lambda: _image(500)[:-400],
    "a header alone": lambda: b"%PDF-1.7\n",
    "no objects": lambda: b"%PDF-1.7\ntrailer\n<</Root 1 0 R>>\nstartxref\n9\n%%EOF",
    "noise": lambda: b"%PDF-1.7\n" + bytes(range(256)) * 400 + b"\nstartxref\n9\n%%EOF",
}
