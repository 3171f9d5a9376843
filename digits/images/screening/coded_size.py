"""The size of a coded image by its own header: AV1 (AV1 Bitstream Specification, 5.5) and HEVC (ITU-T H.265, 7.3.2)."""

from collections.abc import Callable

from digits.images.screening.screened import MAX_PIECES, too_many

_SEQUENCE_HEADER, _TEMPORAL_DELIMITER = 1, 2
_SEQUENCE_PARAMETERS = 33
# A header's fields of interest are within so many bytes.
_HEADER_BYTES = 256
# The most headers in a file that differ. There is one for each kind of picture in it: colors, transparency, thumbnail;
# the tiles of a picture, and the frames of an animation, have the same.
MAX_HEADERS = 100


class _Bits:
    """Reads numbers of any count of bits; zeros beyond the end."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data), 8 * len(data)

    def take(self, count: int) -> int:
        """Returns the next `count` bits as a number."""
        self._left -= count
        shifted = self._value >> self._left if self._left >= 0 else 0
        return shifted & ((1 << count) - 1)

    def take_exp_golomb(self) -> int:
        """Returns the next number in Exp-Golomb code, of 32 bits at most."""
        zeros = 0
        while zeros < 32 and self._left > 0 and not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)


class CodedImages:
    """The coded images of one file: counts the units of all together, and keeps the size of the largest.

    Attributes:
        pixels: of the largest picture that any header announces; 0 if there is no header.
    """

    def __init__(self) -> None:
        self.pixels = 0
        self._units = 0
        self._headers: set[tuple[Callable[[_Bits], int], bytes]] = set()

    def see_av1(self, data: memoryview) -> None:
        """Goes from unit to unit of a sequence of AV1 units, of which it reads only headers.

        Raises:
            BrokenImageError: more than `MAX_PIECES` units in the file, or `MAX_HEADERS` different headers.
        """
        at, is_first = 0, True
        while at < len(data):
            header = data[at]
            kind, has_extension, has_size = (header >> 3) & 15, (header >> 2) & 1, (header >> 1) & 1
            if header & 0x80 or kind == 0 or (is_first and kind not in (_SEQUENCE_HEADER, _TEMPORAL_DELIMITER)):
                break
            self._count_unit()
            at, size, is_first = at + 1 + has_extension, len(data), False
            if has_size:
                size, shift = 0, 0
                while at < len(data) and shift < 56:
                    size |= (data[at] & 0x7F) << shift
                    shift, at = shift + 7, at + 1
                    if not data[at - 1] & 0x80:
                        break
            if kind == _SEQUENCE_HEADER:
                self._see_header(bytes(data[at : at + min(size, _HEADER_BYTES)]), _av1_sequence_pixels)
            at += size

    def see_hevc(self, configuration: memoryview) -> None:
        """Looks at the parameters in a decoder configuration (hvcC).

        Raises:
            BrokenImageError: as `see_av1`; a list of units counts as one more.
        """
        at, lists = 23, configuration[22] if len(configuration) > 22 else 0
        while lists and at < len(configuration):
            self._count_unit()
            kind, left, lists = configuration[at] & 0x3F, int.from_bytes(configuration[at + 1 : at + 3]), lists - 1
            at += 3
            while left and at < len(configuration):
                self._count_unit()
                length = int.from_bytes(configuration[at : at + 2])
                if kind == _SEQUENCE_PARAMETERS:
                    unit = bytes(configuration[at + 4 : at + 2 + min(length, _HEADER_BYTES)])
                    # Bytes that keep start codes out of the data are no part of it.
                    self._see_header(unit.replace(b"\0\0\3", b"\0\0"), _hevc_sequence_pixels)
                at, left = at + 2 + length, left - 1

    def _count_unit(self) -> None:
        self._units += 1
        if self._units > MAX_PIECES:
            raise too_many("units", MAX_PIECES)

    def _see_header(self, header: bytes, pixels_of: Callable[[_Bits], int]) -> None:
        """Reads a header, unless the same was read before."""
        # The same bytes mean something else in another format.
        if (pixels_of, header) in self._headers:
            return
        self._headers.add((pixels_of, header))
        if len(self._headers) > MAX_HEADERS:
            raise too_many("different headers", MAX_HEADERS)
        self.pixels = max(self.pixels, pixels_of(_Bits(header)))


def _av1_sequence_pixels(bits: _Bits) -> int:
    bits.take(4)  # seq_profile, still_picture
    if bits.take(1):  # reduced_still_picture_header
        bits.take(5)
    else:
        has_decoder_model, delay_bits = 0, 0
        if bits.take(1):  # timing_info_present_flag
            bits.take(64)
            if bits.take(1):
                bits.take_exp_golomb()
            if has_decoder_model := bits.take(1):
                delay_bits = bits.take(5) + 1
                bits.take(32 + 10)
        has_display_delay = bits.take(1)
        for _ in range(bits.take(5) + 1):
            bits.take(12)
            if bits.take(5) > 7:
                bits.take(1)
            if has_decoder_model and bits.take(1):
                bits.take(2 * delay_bits + 1)
            if has_display_delay and bits.take(1):
                bits.take(4)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    return (bits.take(width_bits) + 1) * (bits.take(height_bits) + 1)


def _hevc_sequence_pixels(bits: _Bits) -> int:
    bits.take(4)
    sub_layers = bits.take(3)
    bits.take(1 + 88 + 8)
    present = [(bits.take(1), bits.take(1)) for _ in range(sub_layers)]
    if sub_layers:
        bits.take(2 * (8 - sub_layers))
    for has_profile, has_level in present:
        bits.take(88 * has_profile + 8 * has_level)
    bits.take_exp_golomb()
    if bits.take_exp_golomb() == 3:
        bits.take(1)
    return bits.take_exp_golomb() * bits.take_exp_golomb()
