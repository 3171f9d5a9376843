"""The views: where the first one is not accepted, or only just, others look for the digit in another way.

A view finds the ink in its own way, and makes a 28x28 image of the whole picture or of the digit that it cuts out. It
costs little, and may show something that is no digit: the network judges each image, and `digits.vision.views.pool`
weighs its opinions.
"""

from collections.abc import Callable
from dataclasses import dataclass

from digits.arrays import Gray
from digits.errors import NoInkError
from digits.vision.normalize import Normalized, Stage, find_strokes, image_digit
from digits.vision.reduction import as_gray
from digits.vision.views import blocks, closer, forms, ink, outlines, shade
from digits.vision.views.copy import Copy, Find

FIRST = "as it is"
# How large digits are seen first (`digits.vision.normalize.glance`).
GLANCE = "on a smaller copy"


@dataclass(frozen=True)
class View:
    """A way to see a picture. docs/views.md lists them all, by the docstrings of `find` and `form`.

    Args:
        name: what it does, in a few words, for people.
        find: returns what the view makes of a picture: the strength of its ink, or a picture in which ink is easier to
            find; uint8. None if it has nothing to offer.
        form: makes the 28x28 image of that; None if there is no ink.
    """

    name: str
    find: Find
    form: Callable[[forms.Seen], Gray | None]

    def show(self, copy: Copy) -> Normalized | None:
        """Returns what the view shows of a picture; None if it shows nothing."""
        seen = copy.seen(self.find)
        if seen is None:
            return None
        image = self.form(seen)
        if image is None:
            return None
        stages = Stage(self.name.capitalize(), as_gray(seen.pixels)), Stage("Fitted and centered", image)
        return Normalized(image, lambda: stages)

    def things_apart(self, copy: Copy) -> Normalized | None:
        """Returns the image of what lies apart in the picture as the view shows it; None if nothing does."""
        seen = copy.seen(self.find)
        if seen is None or self.form is forms.whole:
            return None
        try:
            return image_digit(*find_strokes(seen.pixels)) if self.form is forms.as_first else forms.things_apart(seen)
        except NoInkError:
            return None


_OUTLINES = View("outlines filled in", outlines.filled_outlines, forms.box)
# Where the network is unsure of an image in MNIST's form, most other views of it are wrong too often (5 of 22 that they
# accepted).
MNIST_VIEWS = (_OUTLINES,)
# In the order in which they are made: half of them at a time.
SMALL_VIEWS = (
    View("rounded pixels", blocks.rounded, forms.cut_out),
    View("without specks", ink.without_specks, forms.whole),
    View("without thin lines", ink.without_thin_lines, forms.whole),
    View("light strokes", ink.strong_light_strokes, forms.whole),
    View("dark strokes", ink.strong_dark_strokes, forms.whole),
    _OUTLINES,
    View("thick strokes", ink.thick_strokes, forms.box),
    View("stretched contrast", ink.stretched, forms.as_first),
    View("stretched contrast, cut out", ink.stretched_ink, forms.cut_out),
    View("without its frame, all of it", ink.without_frame, forms.box),
    View("row by row, all of it", ink.strong_row_by_row, forms.box),
    View("column by column, all of it", ink.strong_column_by_column, forms.box),
)
LARGE_VIEWS = (
    View("rounded pixels", blocks.rounded, forms.cut_out),
    View("stretched contrast", ink.stretched, forms.as_first),
    View("stretched contrast, cut out", ink.stretched_ink, forms.cut_out),
    _OUTLINES,
    View("wide pen strokes", ink.wide_pen_strokes, forms.cut_out),
    View("pen strokes, closer", ink.close_pen_strokes, forms.cut_out),
    View("narrow pen strokes", ink.narrow_pen_strokes, forms.cut_out),
    View("darker than any shade", shade.darker_than_shade, forms.cut_out),
    View("the darkest of three tones", shade.darkest_tone, forms.cut_out),
    View("the rarest of three colors", ink.rarest_color_inside, forms.cut_out),
    View("without its border", ink.inner, forms.as_first),
    View("light strokes, cut out", ink.light_strokes, forms.without_lines),
    View("dark ink in two tones, without the border", ink.dark_ink_inside, forms.cut_out),
    View("light ink in two tones, without the border", ink.light_ink_inside, forms.cut_out),
    View("row by row, cut out", ink.row_by_row, forms.cut_out),
    View("dark ink in two tones, all of it", ink.dark_ink, forms.box),
)

# It is made last, where all others together show no digit.
CLOSER = View("a part of the page, closer", closer.part_around_digit, forms.as_first)

# Those that take shadows away. All but one of them show all of the picture.
WITHOUT_SHADOWS = tuple(
    view
    for view in LARGE_VIEWS
    if view.find
    in {
        ink.wide_pen_strokes,
        ink.close_pen_strokes,
        ink.narrow_pen_strokes,
        shade.darker_than_shade,
        shade.darkest_tone,
    }
)
WHOLE_WITHOUT_SHADOWS = tuple(view for view in WITHOUT_SHADOWS if view.find is not ink.close_pen_strokes)


def views_of(copy: Copy) -> tuple[View, ...]:
    """Returns the views for pictures of this size, in the order in which they most often help."""
    if copy.is_like_mnist:
        return MNIST_VIEWS
    return SMALL_VIEWS if copy.is_small else LARGE_VIEWS
