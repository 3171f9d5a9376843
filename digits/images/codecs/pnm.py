"""Decodes the PNM files whose samples Pillow would read one by one: numbers as text, and unusual maxima."""

import io
import re

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

from digits.images.screening.rare.pnm import PnmHeader, pnm_header

# How Pillow calls the decoder below.
SAMPLES_DECODER = "pnm_samples"
_AT_A_TIME = 2**18
_COMMENT = re.compile(rb"#[^\r\n]*+")
_NUMBERS = re.compile(rb"[\d\s]*+")
_WHITE_SPACE = b" \t\n\v\f\r"
# The decoders of Pillow that go through samples one by one.
_SLOW_DECODERS = frozenset({"ppm", "ppm_plain"})


def open_pnm(data: bytes) -> Image.Image:
    """Reads the header of a PNM file; its pixels are decoded when they are loaded.

    Args:
        data: the file, screened.
    """
    image = Image.open(io.BytesIO(data), formats=("PPM",))
    if isinstance(image, ImageFile.ImageFile) and image.tile[0].codec_name in _SLOW_DECODERS:
        image.tile = [ImageFile._Tile(SAMPLES_DECODER, (0, 0, *image.size), 0, ())]
    return image


class _SamplesDecoder(ImageFile.PyDecoder):
    """Decodes all samples of a file at once."""

    _pulls_fd = True

    def decode(self, _: object) -> tuple[int, int]:
        """Decodes the file; Pillow calls it.

        Raises:
            ValueError: a sample is missing, no number, or larger than the largest.
        """
        if self.fd is None:
            raise ValueError("there is no file")
        data = self.fd.read()
        header = pnm_header(data)
        if header.kind == 1:
            self.set_as_raw(_bits(data, header), "1;8")
            return -1, 0
        samples = _numbers(data, header) if header.is_text else _words(data, header)
        if int(samples.max()) > header.maximum:
            raise ValueError("a sample is larger than the largest")
        if self.mode == "I":
            # The range that they use is stretched later.
            self.set_as_raw(samples.astype("<u2").tobytes(), "I;16")
        else:
            self.set_as_raw(_scaled(samples, header.maximum), self.mode)
        return -1, 0


def _scaled(samples: npt.NDArray[np.uint8 | np.uint16 | np.uint32], maximum: int) -> bytes:
    """Returns samples from 0 to a maximum as samples from 0 to 255."""
    scale = ((np.arange(maximum + 1) * 255 + maximum // 2) // maximum).astype(np.uint8)
    # NumPy makes eight bytes of each index.
    parts = (samples[at : at + _AT_A_TIME] for at in range(0, samples.size, _AT_A_TIME))
    return b"".join(scale[part].tobytes() for part in parts)


def _words(data: bytes, header: PnmHeader) -> npt.NDArray[np.uint8 | np.uint16]:
    """Returns samples that are stored as bytes, or as pairs of bytes."""
    return np.frombuffer(data, np.uint8 if header.maximum < 256 else ">u2", header.samples, header.start)


def _text(data: bytes, header: PnmHeader) -> bytes:
    """Returns the samples that are written as text, with what may be behind them, and without comments."""
    return _COMMENT.sub(b"", data[header.start :])


def _bits(data: bytes, header: PnmHeader) -> bytes:
    """Returns the pixels of a bitmap that is written as text: 0 for black, 255 for white."""
    digits = _text(data, header).translate(None, _WHITE_SPACE)[: header.samples]
    if len(digits) < header.samples or digits.translate(None, b"01"):
        raise ValueError("its samples are not all 0 or 1")
    return digits.translate(bytes.maketrans(b"01", b"\xff\0"))


def _numbers(data: bytes, header: PnmHeader) -> npt.NDArray[np.uint32]:
    """Returns samples that are written as text."""
    text = _NUMBERS.match(_text(data, header))
    numbers = np.fromstring(text[0], np.int32, sep=" ") if text and text[0].strip() else np.zeros(0, np.int32)
    if numbers.size < header.samples:
        raise ValueError("its samples are not all numbers")
    return numbers[: header.samples].view(np.uint32)


Image.register_decoder(SAMPLES_DECODER, _SamplesDecoder)
