"""What the headers of a JPEG 2000 codestream ask of a decoder: tiles, blocks, precincts, packets."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from digits.images.screening.screened import broken, too_many

# The most tiles. A picture of 50 million pixels in tiles of 256 x 256 has 784.
MAX_TILES = 800
# The most blocks of samples. That picture, of three colors and in usual blocks of 64 x 64, has 58,800.
# A decoder keeps some hundred bytes for each; for those whose passes end one by one, several times as many.
MAX_BLOCKS = 60_000
_BLOCKS_OF_PASSES = 5
# The most blocks times layers, for each of which a decoder may keep a piece.
MAX_PIECES_OF_BLOCKS = 1_000_000
# The most packets: precincts times layers.
MAX_PACKETS = 200_000
# The most places at which a decoder looks for packets, if they are in order of their place.
MAX_PLACES = 2_000_000
# The most halvings of the size. Encoders make five or six.
MAX_LEVELS = 12
# The most coding styles that differ.
MAX_STYLES = 16

# Steps from sample to sample, across and down, of usual color sampling.
_SAMPLINGS = frozenset({(1, 1), (2, 1), (2, 2), (1, 2), (4, 1)})
_OWN_PRECINCTS, _PASSES_END, _READ_STYLES = 0x01, 0x05, 0x3F
_LARGEST_PRECINCT = 15

Spans: TypeAlias = Sequence[tuple[int, int]]


@dataclass(frozen=True)
class Grid:
    """Where a picture and its tiles lie on the reference grid.

    Args:
        columns, rows: begin and end of each column and of each row of tiles.
        steps: across and down, from sample to sample of each component.
    """

    columns: Spans
    rows: Spans
    steps: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, content: bytes) -> "Grid":
        """Reads the segment of sizes (SIZ).

        Raises:
            BrokenImageError: it contradicts itself, or has more than `MAX_TILES` tiles, more than 4 components, one of
                more than 16 bits, or other steps than those of usual color sampling.
        """
        if len(content) < 36 or len(content) != 36 + 3 * int.from_bytes(content[34:36]):
            raise broken("its header is cut off")
        right, bottom, left, top, width, height, tiles_left, tiles_top, count = struct.unpack_from(">2x8IH", content)
        components = [(depth & 0x7F, across, down) for depth, across, down in struct.iter_unpack("3B", content[36:])]
        steps = tuple((across, down) for _, across, down in components)
        if not 1 <= count <= 4 or max(depth for depth, _, _ in components) > 15 or not {*steps} <= _SAMPLINGS:
            raise broken(f"its {count} components are none that are read")
        if steps[0] != (1, 1) or (count in (2, 4) and steps[-1] != (1, 1)):
            raise broken("its brightness or transparency has fewer samples than it has pixels")
        for begin, end, first, size in ((left, right, tiles_left, width), (top, bottom, tiles_top, height)):
            if not first <= begin < end or begin >= first + size:
                raise broken("its tiles lie beside it")
        if _ceil(right - tiles_left, width) * _ceil(bottom - tiles_top, height) > MAX_TILES:
            raise too_many("tiles", MAX_TILES)
        return cls(_spans(left, right, tiles_left, width), _spans(top, bottom, tiles_top, height), steps)

    @property
    def tiles(self) -> int:
        """How many there are."""
        return len(self.columns) * len(self.rows)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture, in pixels."""
        width, height = (spans[-1][1] - spans[0][0] for spans in (self.columns, self.rows))
        return width, height

    @property
    def is_at_origin(self) -> bool:
        """Whether the picture begins where the reference grid does."""
        return self.columns[0][0] == self.rows[0][0] == 0


def _spans(begin: int, end: int, first: int, size: int) -> Spans:
    return [(max(begin, at), min(end, at + size)) for at in range(first, end, size)]


def _ceil(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)


def _pieces(spans: Spans, step: int, size: int) -> int:
    """Returns into how many pieces of a size the samples in all spans fall; the size is an exponent of 2."""
    pieces = 0
    for begin, end in spans:
        first, last = _ceil(begin, step), _ceil(end, step)
        if first < last:
            pieces += (last - 1 >> size) - (first >> size) + 1
    return pieces


@dataclass(frozen=True)
class Style:
    """How a component is coded.

    Args:
        levels: how often its size is halved.
        block: exponents of width and height of a block, in samples.
        passes_end: whether a block's coding passes may end one by one.
        precincts: exponents of width and height of a precinct, in samples, of each resolution from the smallest.
    """

    levels: int
    block: tuple[int, int]
    passes_end: bool
    precincts: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, flags: int, content: bytes) -> "Style":
        """Reads what the segments of coding styles (COD and COC) have in common.

        Raises:
            BrokenImageError: it contradicts itself, has more than `MAX_LEVELS`, or uses what no usual file does.
        """
        if len(content) < 5:
            raise broken("its header is cut off")
        levels, width, height, modes, _ = content[:5]
        if levels > MAX_LEVELS:
            raise too_many("halvings of its size", MAX_LEVELS)
        sizes = content[5:] if flags & _OWN_PRECINCTS else bytes([_LARGEST_PRECINCT * 17]) * (levels + 1)
        precincts = tuple((size & 15, size >> 4) for size in sizes)
        block = (width + 2, height + 2)
        if len(precincts) != levels + 1 or any(0 in precinct for precinct in precincts[1:]):
            raise broken("its precincts contradict its levels")
        if max(block) > 10 or sum(block) > 12 or modes & ~_READ_STYLES:
            raise broken("its blocks are of a kind that is not read")
        return cls(levels, block, bool(modes & _PASSES_END), precincts)

    def counts(self, grid: Grid, step: tuple[int, int]) -> tuple[int, int]:
        """Returns how many blocks and precincts a component of these steps has, in all tiles."""
        blocks, precincts = 0, 0
        axes = list(zip((grid.columns, grid.rows), step, self.block, strict=True))
        for resolution, precinct in enumerate(self.precincts):
            # From samples of the component to those of a resolution; each but the smallest has three bands of half
            # its size.
            shift, half = self.levels - resolution, min(resolution, 1)
            across, down = (
                _pieces(spans, one_step, min(size, largest - half) + half + shift)
                for (spans, one_step, size), largest in zip(axes, precinct, strict=True)
            )
            blocks += across * down * (3 if half else 1)
            across, down = (
                _pieces(spans, one_step, size + shift)
                for (spans, one_step, _), size in zip(axes, precinct, strict=True)
            )
            precincts += across * down
        return blocks * (_BLOCKS_OF_PASSES if self.passes_end else 1), precincts


class Demand:
    """Collects the coding styles of all components and tiles, and checks what they ask for.

    Args:
        grid: of the picture.

    Attributes:
        halvings: how often Pillow can halve all components of all tiles. It fails at those of pictures that do not
            begin at the origin.
    """

    def __init__(self, grid: Grid) -> None:
        self.halvings = MAX_LEVELS if grid.is_at_origin else 0
        self._grid = grid
        self._layers = 1
        self._styles: list[set[Style]] = [set() for _ in grid.steps]
        self._seen = set[bytes]()

    def see_style(self, content: bytes) -> None:
        """Reads a segment of the coding style of all components (COD).

        Raises:
            BrokenImageError: as for `Style.of`; or more than `MAX_STYLES` differ.
        """
        if len(content) < 5:
            raise broken("its header is cut off")
        self._layers = max(self._layers, int.from_bytes(content[2:4]))
        self._add(range(len(self._styles)), content[0], content[5:])

    def see_style_of_one(self, content: bytes) -> None:
        """Reads a segment of the coding style of one component (COC); errors as for `see_style`."""
        if len(content) < 2 or content[0] >= len(self._styles):
            raise broken("a header is of no component")
        self._add((content[0],), content[1], content[2:])

    def _add(self, components: Sequence[int], flags: int, content: bytes) -> None:
        key = bytes([*components, flags & _OWN_PRECINCTS]) + content
        if key in self._seen:
            return
        self._seen.add(key)
        if len(self._seen) > MAX_STYLES:
            raise too_many("coding styles", MAX_STYLES)
        style = Style.of(flags, content)
        self.halvings = min(self.halvings, style.levels)
        for component in components:
            self._styles[component].add(style)

    def check(self) -> None:
        """Checks what all tiles ask for, each in the dearest of the styles that any tile has.

        Raises:
            BrokenImageError: it is over a limit, or a component has no style.
        """
        if not all(self._styles):
            raise broken("it does not say how it is coded")
        counts = dict[tuple[Style, tuple[int, int]], tuple[int, int]]()
        blocks, precincts, resolutions = 0, 0, 0
        for styles, step in zip(self._styles, self._grid.steps, strict=True):
            for style in styles:
                if (style, step) not in counts:
                    counts[style, step] = style.counts(self._grid, step)
            blocks += max(counts[style, step][0] for style in styles)
            precincts += max(counts[style, step][1] for style in styles)
            resolutions += max(style.levels + 1 for style in styles)
        across, down = (self._places(axis) for axis in (0, 1))
        for what, count, most in (
            ("blocks", blocks, MAX_BLOCKS),
            ("parts of blocks", blocks * self._layers, MAX_PIECES_OF_BLOCKS),
            ("packets", precincts * self._layers, MAX_PACKETS),
            ("places of packets", across * down * resolutions, MAX_PLACES),
        ):
            if count > most:
                raise too_many(what, most)

    def _places(self, axis: int) -> int:
        """Returns the columns, or the rows, at which a decoder looks for packets in order of place."""
        least = min(
            step[axis] * 2 ** (precinct[axis] + style.levels - resolution)
            for styles, step in zip(self._styles, self._grid.steps, strict=True)
            for style in styles
            for resolution, precinct in enumerate(style.precincts)
        )
        spans = (self._grid.columns, self._grid.rows)[axis]
        return sum(_ceil(end - begin, least) + 1 for begin, end in spans)
