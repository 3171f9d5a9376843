"""Leaves out lines that are no writing: what a table shows at the picture's border, and folds from border to border."""

from collections.abc import Sequence

from digits.numbers.segments.layout import Line
from digits.vision.components import Components, is_edge
from digits.vision.views.forms import NEAR_BORDER


def without_edges(parts: Components, lines: Sequence[Line], margin: int) -> list[Line]:
    """Leaves out lines in which all strokes touch the picture's border, cut off a corner of it, or cross it.

    Where what is left comes near to the border, too, the picture is cropped to its writing, and all lines stay. They do
    also where a single stroke is left, which may be another stain on an empty page.

    Args:
        parts: the strokes of the page.
        lines: of the page, from top to bottom.
        margin: around the picture, in pixels of the strokes' boxes.
    """
    height, width = (length - 2 * margin for length in parts.labels.shape)
    near = NEAR_BORDER * max(height, width)

    def on_page(i: int) -> tuple[int, int, int, int]:
        left, top, right, bottom = (edge - margin for edge in parts.box([i]))
        return left, top, right, bottom

    def is_away(i: int) -> bool:
        left, top, right, bottom = on_page(i)
        return min(left, top, width - right, height - bottom) > near

    def is_outer(i: int) -> bool:
        return bool(parts.touches[i]) or is_edge(on_page(i), (height, width), NEAR_BORDER)

    kept = [line for line in lines if not all(is_outer(i) for i in line.members)]
    left = [i for line in kept for i in line.members]
    return kept if len(left) > 1 and all(is_away(i) for i in left) else list(lines)
