"""A sheet on a dark table is found; nothing else is taken for one."""

import tracemalloc

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.data.mnist import Mnist
from digits.numbers.reader import read_picture
from digits.recognizer import Recognizer, shipped_model
from digits.synthetic.pages import KINDS, write_numbers
from digits.vision.sheet import _has_wide_table, _spread_paper, crop_to_sheet, without_table
from tests.pictures import handwritten

Picture = npt.NDArray[np.uint8]


def on_table(paper: Picture, margin: tuple[int, int, int, int] = (60, 60, 90, 90), table: int = 35) -> Picture:
    """A sheet with so many pixels of table above, below, left and right."""
    top, bottom, left, right = margin
    rng = np.random.default_rng(0)
    sheet = np.minimum(paper, 205)
    picture = np.full((paper.shape[0] + top + bottom, paper.shape[1] + left + right), table, np.float64)
    picture[top : top + paper.shape[0], left : left + paper.shape[1]] = sheet
    return np.clip(picture + rng.normal(0.0, 3.0, picture.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def paper(mnist: Mnist) -> Picture:
    return np.pad(handwritten(mnist, "4726")[0], 60, constant_values=255)


@pytest.mark.parametrize("margin", [(60, 60, 90, 90), (0, 0, 120, 0), (0, 90, 0, 90), (200, 200, 200, 200)])
@pytest.mark.parametrize("color", [False, True])
def test_a_number_on_a_dark_table_is_read(paper: Picture, margin: tuple[int, int, int, int], color: bool) -> None:
    picture = on_table(paper, margin)
    pixels = np.repeat(picture[..., np.newaxis], 3, axis=2) if color else picture
    assert crop_to_sheet(pixels)[0] is not pixels
    assert read_picture(Recognizer.load(shipped_model()), pixels).transcript == "4726"


def test_a_sheet_that_lies_askew_is_found(paper: Picture) -> None:
    picture = on_table(paper, (200, 200, 200, 200))
    height, width = picture.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), 8.0, 1.0)
    turned = np.asarray(cv2.warpAffine(picture, turn, (width, height), borderValue=(35.0,)), dtype=np.uint8)
    assert read_picture(Recognizer.load(shipped_model()), turned).transcript == "4726"


@pytest.mark.parametrize("table", [(150, 105, 80), (120, 50, 60), (60, 75, 120), (110, 110, 110)])
@pytest.mark.parametrize("shadow", [False, True])
def test_a_sheet_on_a_table_of_any_darker_color_is_found_in_a_shadow_too(
    paper: Picture, table: tuple[int, int, int], shadow: bool
) -> None:
    height, width = 3 * paper.shape[0], 2 * paper.shape[1]
    rng = np.random.default_rng(0)
    picture = np.ones((height, width, 3)) * table
    sheet = np.minimum(paper, 235)[..., np.newaxis]
    picture[paper.shape[0] : 2 * paper.shape[0], paper.shape[1] // 2 : paper.shape[1] // 2 + paper.shape[1]] = sheet
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -7.0, 1.0)
    picture = np.asarray(cv2.warpAffine(picture, turn, (width, height), borderValue=[float(color) for color in table]))
    if shadow:
        across = np.linspace(-1.0, 1.0, width)[np.newaxis, :] + np.linspace(-0.5, 0.5, height)[:, np.newaxis]
        picture *= (1.0 - 0.35 / (1.0 + np.exp(-20.0 * across)))[..., np.newaxis]
    pixels = np.clip(picture + rng.normal(0.0, 3.0, picture.shape), 0, 255).astype(np.uint8)
    assert crop_to_sheet(pixels)[0] is not pixels
    assert read_picture(Recognizer.load(shipped_model()), pixels).transcript == "4726"


@pytest.mark.parametrize("angle", [0.0, 9.0])
def test_the_squares_of_a_sheet_on_a_table_are_taken_off(mnist: Mnist, angle: float) -> None:
    number, boxes = handwritten(mnist, "4726")
    paper = np.pad(number, 80, constant_values=255)
    squares = np.full(paper.shape, 255, np.uint8)
    squares[10::45] = squares[11::45] = squares[:, 10::45] = squares[:, 11::45] = 190
    picture = on_table(np.minimum(paper, squares), (200, 200, 300, 100))
    height, width = picture.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    turned = np.asarray(cv2.warpAffine(picture, turn, (width, height), borderValue=(35.0,)), dtype=np.uint8)
    reading = read_picture(Recognizer.load(shipped_model()), turned)
    assert (reading.transcript, reading.view) == ("4726", "as it is")
    # Boxes are in pixels of the whole picture.
    for entry, (left, top, wide, high) in zip(reading.digits, boxes, strict=True):
        x, y = turn @ (300 + 80 + left + wide / 2, 200 + 80 + top + high / 2, 1.0)
        assert entry.box[0] <= x <= entry.box[0] + entry.box[2]
        assert entry.box[1] <= y <= entry.box[1] + entry.box[3]


def with_one_edge(paper: Picture, beside: npt.NDArray[np.float64], slope: float) -> npt.NDArray[np.float64]:
    """A sheet that goes on beyond the picture on three sides, over something else that its lower edge shows."""
    height, width = beside.shape
    sheet = np.full((height, width), 225.0)
    sheet[: paper.shape[0], : paper.shape[1]] = np.minimum(paper, 225)
    edge = 0.75 * height + slope * (np.arange(width) - width / 2)
    return np.where(np.arange(height)[:, None] < edge, sheet, beside)


@pytest.mark.parametrize("slope", [0.0, 0.12])
@pytest.mark.parametrize("level", [100.0, 130.0])
def test_a_rough_table_beside_one_edge_of_a_sheet_is_taken_off(paper: Picture, slope: float, level: float) -> None:
    shape = 2 * paper.shape[0], paper.shape[1]
    wood = cv2.GaussianBlur(np.random.default_rng(2).normal(0.0, 1.0, shape), (0, 0), sigmaX=12.0, sigmaY=1.5)
    picture = with_one_edge(paper, level + 12.0 * wood / wood.std(), slope)
    pixels = np.clip(picture + np.random.default_rng(0).normal(0.0, 3.0, shape), 0, 255).astype(np.uint8)
    assert crop_to_sheet(pixels)[0] is not pixels
    assert read_picture(Recognizer.load(shipped_model()), pixels).transcript == "4726"


@pytest.mark.parametrize("grain", [0.0, 4.0, 10.0])
@pytest.mark.parametrize("shade", [0.35, 0.6])
def test_a_shadow_over_the_lower_part_of_a_page_is_no_table(paper: Picture, grain: float, shade: float) -> None:
    shape = 2 * paper.shape[0], paper.shape[1]
    written = np.full(shape, 225.0)
    written[paper.shape[0] :] = np.minimum(paper, 225)
    picture = with_one_edge(paper, shade * written, 0.12)
    pixels = np.clip(picture + np.random.default_rng(0).normal(0.0, grain, shape), 0, 255).astype(np.uint8)
    assert crop_to_sheet(pixels)[0] is pixels


def test_what_is_no_sheet_on_a_table_stays_as_it_is(paper: Picture) -> None:
    width = paper.shape[1]
    shadow = (paper * np.where(np.arange(width) < width // 2, 0.5, 1.0)).astype(np.uint8)
    blackboard = (255 - paper) // 2 + 20
    blank_sheet = on_table(np.full((200, 300), 255, np.uint8))
    ring = cv2.circle(np.zeros((200, 200), np.uint8), (100, 100), 80, 255, 30)
    bar = np.zeros((200, 100), np.uint8)
    bar[20:180, 30:70] = 255
    for picture in (paper, shadow, blackboard, blank_sheet, np.asarray(ring, np.uint8), bar):
        assert crop_to_sheet(picture) == (picture, (0, 0))


@pytest.mark.parametrize("shape", [(10, 10), (10, 1600), (1600, 10), (28, 28)])
def test_small_and_narrow_pictures_are_looked_at(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    for picture in (np.zeros(shape, np.uint8), np.full(shape, 255, np.uint8), rng.integers(0, 256, shape, np.uint8)):
        sheet, (left, top) = crop_to_sheet(picture)
        assert min(sheet.shape) > 0
        assert left + sheet.shape[1] <= shape[1]
        assert top + sheet.shape[0] <= shape[0]


def test_a_shadow_is_no_table(mnist: Mnist) -> None:
    for written in write_numbers(KINDS["shadow"], mnist.x_test, mnist.y_test, 100, 0):
        assert crop_to_sheet(written.picture) == (written.picture, (0, 0))


@pytest.mark.parametrize("angle", [0.0, 6.0])
def test_one_digit_on_a_sheet_on_a_table_is_read(mnist: Mnist, angle: float) -> None:
    recognizer = Recognizer.load(shipped_model())
    one = np.pad(handwritten(mnist, "4")[0], 80, constant_values=255)
    picture = np.repeat(on_table(one, (150, 150, 150, 150), 60)[..., np.newaxis], 3, axis=2)
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
    turned = np.asarray(cv2.warpAffine(picture, turn, (width, height), borderValue=(60, 60, 60)), dtype=np.uint8)
    prediction = recognizer.recognize_pixels(turned)
    assert (prediction.digit, prediction.accepted, prediction.view) == (4, True, "as it is")
    assert prediction.normalized.stages[0].name == "The sheet of paper"


@pytest.mark.parametrize("axes", [(70, 90), (90, 90), (50, 95)])
def test_a_fat_white_digit_on_black_is_no_sheet(axes: tuple[int, int]) -> None:
    picture = np.zeros((220, 220), np.uint8)
    cv2.ellipse(picture, (110, 110), axes, 0, 0, 360, 255, -1)
    cv2.ellipse(picture, (110, 110), (axes[0] // 3, axes[1] // 3), 0, 0, 360, 0, -1)
    assert without_table(picture) is picture


def test_a_picture_of_few_pixels_has_no_sheet() -> None:
    picture = np.zeros((28, 28), np.uint8)
    picture[4:24, 4:24] = 255
    picture[10:18, 12:16] = 0
    assert without_table(picture) is picture


def test_the_inside_of_a_frame_is_no_sheet(mnist: Mnist) -> None:
    framed = np.pad(handwritten(mnist, "7")[0], 60, constant_values=235)
    cv2.rectangle(framed, (4, 4), (framed.shape[1] - 5, framed.shape[0] - 5), 40, 9)
    assert without_table(framed) is framed


def test_a_bar_of_light_between_shadows_is_no_sheet(mnist: Mnist) -> None:
    paper = np.pad(handwritten(mnist, "47261538")[0], 60, constant_values=255)
    picture = np.minimum(paper, 235).astype(np.float64)
    light = np.full(picture.shape, 0.2)
    width = picture.shape[1]
    for start in (0.12, 0.45, 0.75):
        light[:, round(start * width) : round((start + 0.14) * width)] = 1.0
    noise = np.random.default_rng(0).normal(0.0, 2.0, picture.shape)
    shaded = np.clip(picture * light + noise, 0, 255).astype(np.uint8)
    assert crop_to_sheet(shaded)[0] is shaded


def test_the_paper_between_two_rules_and_a_margin_is_no_sheet(mnist: Mnist) -> None:
    picture = np.full((240, 500), 240, np.float64)
    picture[50:53] = picture[158:161] = picture[:, 36:40] = 110
    number = cv2.resize(handwritten(mnist, "472615")[0], (300, 100), interpolation=cv2.INTER_AREA)
    picture[56:156, 100:400] = np.minimum(picture[56:156, 100:400], number)
    picture *= np.linspace(1.0, 0.7, 240)[:, np.newaxis]
    ruled = np.clip(picture + np.random.default_rng(0).normal(0.0, 2.0, picture.shape), 0, 255).astype(np.uint8)
    assert crop_to_sheet(ruled)[0] is ruled


@pytest.mark.parametrize("channels", [1, 3])
def test_beside_a_sheet_stands_the_paper_of_its_nearest_edge(channels: int) -> None:
    rng = np.random.default_rng(0)
    height, width = 70, 110
    paper = np.clip(rng.normal(205.0, 4.0, (height, width, channels)), 0, 255)
    inside = np.zeros((height, width), np.uint8)
    cv2.circle(inside, (50, 30), 25, 1, -1)
    picture = np.where(inside[..., None] > 0, paper, 40).astype(np.uint8)
    seen = _spread_paper(picture[..., 0] if channels == 1 else picture, inside).reshape(height, width, channels)
    assert np.array_equal(seen[inside > 0], picture[inside > 0])
    closed = cv2.morphologyEx(picture, cv2.MORPH_CLOSE, np.ones((7, 7), np.uint8)).reshape(height, width, channels)
    lighter = np.median(closed[inside > 0].astype(int) - picture[inside > 0], axis=0)
    labels = cv2.distanceTransformWithLabels(1 - inside, cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL)[1]
    at = {int(labels[row, column]): (row, column) for row, column in np.argwhere(inside)}
    for row, column in np.argwhere(inside == 0):
        nearest = at[int(labels[row, column])]
        assert np.array_equal(seen[row, column], (closed[nearest] - lighter).astype(np.uint8))


def test_filling_in_beside_a_sheet_takes_a_few_times_the_memory_of_the_picture() -> None:
    picture = np.full((1_600, 1_600, 3), 200, np.uint8)
    inside = np.zeros((1_600, 1_600), np.uint8)
    inside[200:1_400, 200:1_400] = 1
    tracemalloc.start()
    _spread_paper(picture, inside)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Two of them are the labels and the distances of all pixels, in four bytes each.
    assert most < 6.5 * picture.nbytes


def test_strokes_that_rules_join_to_the_border_are_no_table() -> None:
    sheet = np.ones((208, 294), np.uint8)
    for start, end in (
        ((140, 84), (294, 82)),
        ((166, 66), (132, 146)),
        ((182, 84), (204, 72)),
        ((204, 72), (212, 134)),
    ):
        cv2.line(sheet, start, end, 0, 12)
    assert not _has_wide_table(sheet)
    sheet[:, -12:] = 0
    assert _has_wide_table(sheet)
