from collections import Counter

import pytest

from benchmarks.hostile.specimens import specimens
from digits.images.formats import FORMATS, SUFFIXES, TABLE, format_name, format_of, in_words

FILES = specimens()


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_of_the_format_that_its_name_says(name: str) -> None:
    image_format = format_of(FILES[name])
    assert image_format
    assert image_format.name == name.split()[0].upper()


@pytest.mark.parametrize("data", [b"", b"RIFF\0\0\0\0WAVE", b"%!PS", bytes(100), b" \x89PNG\r\n\x1a\n"])
def test_anything_else_is_of_no_format(data: bytes) -> None:
    assert format_of(data) is None


def test_no_two_formats_share_a_name_or_suffix_and_all_are_written_alike() -> None:
    assert not [name for name, count in Counter((*FORMATS, *SUFFIXES)).items() if count > 1]
    assert all(image_format.name.isupper() for image_format in TABLE)
    assert all(suffix.startswith(".") and suffix.islower() for suffix in SUFFIXES)
    assert all(image_format.media_type.partition("/")[2] for image_format in TABLE)


def test_a_format_is_known_by_its_name_and_by_its_suffixes_in_any_case() -> None:
    assert [format_name(word) for word in ("jpg", "JPEG", "Tif", "png", "svg")] == [
        "JPEG",
        "JPEG",
        "TIFF",
        "PNG",
        "SVG",
    ]


def test_formats_in_words_are_a_list_that_ends_with_or() -> None:
    assert in_words(("PNG",)) == "PNG"
    assert in_words(("PNG", "WEBP")) == "PNG or WebP"
    assert in_words() == ", ".join(f.label for f in TABLE[:-1]) + f" or {TABLE[-1].label}"
