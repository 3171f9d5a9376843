from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from digits.data.mnist import Mnist, split
from digits.synthetic.pages import Page, write_numbers
from digits.vision.foreground import find_foreground
from digits.vision.normalize import normalize
from digits.vision.paper.ruling import digit_mask, page_mask

Picture = npt.NDArray[np.uint8]
# Where the ring is that is written on each sheet.
RING = (slice(130, 271), slice(180, 281))


def sheet(*, across: int = 0, down: int = 0, falls: float = 0.0) -> tuple[Picture, npt.NDArray[np.bool_]]:
    """A ring on paper with lines so many pixels apart, which fall from left to right; and where the ring's ink is."""
    picture = np.full((400, 600), 240, np.uint8)
    for y in range(30, 400, across or 400):
        if across:
            cv2.line(picture, (0, round(y - 300 * falls)), (600, round(y + 300 * falls)), 170, 2)
    for x in range(20, 600, down or 600):
        if down:
            cv2.line(picture, (x, 0), (x, 400), 170, 2)
    ring = np.zeros_like(picture)
    cv2.ellipse(ring, (230, 200), (40, 60), 0, 0, 360, 1, 10)
    picture[ring > 0] = 30
    return picture, ring > 0


@pytest.mark.parametrize("falls", [0.0, 0.02, -0.03, 0.15, -0.22])
def test_ruled_lines_are_gone_and_what_is_written_on_them_is_whole(falls: float) -> None:
    picture, ring = sheet(across=60, falls=falls)
    mask = page_mask(find_foreground(picture, even_light=True))[0].mask > 0
    assert mask[ring].mean() > 0.93
    assert mask[~cv2.dilate(ring.astype(np.uint8), np.ones((9, 9))).astype(bool)].mean() < 0.002
    assert cv2.connectedComponents(mask[RING].astype(np.uint8))[0] == 2


@pytest.mark.parametrize("thickness", [5, 7, 9])
@pytest.mark.parametrize("row", [150, 156, 140])
def test_a_thick_rule_from_edge_to_edge_is_no_stroke_of_the_two_digits_on_it(thickness: int, row: int) -> None:
    picture, digits = np.full((260, 320), 240, np.uint8), np.zeros((260, 320), np.uint8)
    for x in (110, 190):
        cv2.line(digits, (x, 70), (x - 8, 152), 1, 7)
        cv2.line(digits, (x, 70), (x - 30, 72), 1, 7)
    picture[digits > 0] = 30
    cv2.line(picture, (0, row), (319, row), 30, thickness)
    mask = page_mask(find_foreground(picture, even_light=True))[0].mask
    assert mask[digits > 0].mean() > 0.9
    assert mask[cv2.dilate(digits, np.ones((7, 7), np.uint8)) == 0].mean() < 0.002


@pytest.mark.parametrize("down", [0, 60])
def test_a_ring_that_touches_the_lines_of_the_paper_goes_with_them(down: int) -> None:
    picture, digits = np.full((320, 620), 240, np.uint8), np.zeros((320, 620), np.uint8)
    for y in range(20, 320, 60):
        cv2.line(picture, (0, y), (619, y), 150, 2)
    for x in range(10, 620, down or 620):
        if down:
            cv2.line(picture, (x, 0), (x, 319), 150, 2)
    for x in (230, 310, 390):
        cv2.ellipse(digits, (x, 160), (24, 36), 0, 30, 340, 1, 8)
    picture[digits > 0] = 30
    cv2.ellipse(picture, (310, 160), (190, 90), 0, 0, 360, 30, 5)
    mask = page_mask(find_foreground(picture, even_light=True))[0].mask
    assert mask[digits > 0].mean() > 0.95
    assert mask[cv2.dilate(digits, np.ones((9, 9), np.uint8)) == 0].sum() < 0.02 * digits.sum()


def test_squares_are_gone_and_what_is_written_on_them_is_whole() -> None:
    picture, ring = sheet(across=40, down=40)
    mask = page_mask(find_foreground(picture, even_light=True))[0].mask > 0
    assert mask[ring].mean() > 0.9
    assert mask[~cv2.dilate(ring.astype(np.uint8), np.ones((9, 9))).astype(bool)].mean() < 0.004


@pytest.mark.parametrize("degrees", [-10.0, 6.0, 12.0])
def test_squares_that_lie_askew_are_gone_to_the_corners_of_the_picture(degrees: float) -> None:
    picture, ring = np.full((700, 900), 240, np.uint8), np.zeros((700, 900), np.uint8)
    picture[10::50], picture[:, 20::50] = 170, 170
    picture[11::50], picture[:, 21::50] = 170, 170
    turn = cv2.getRotationMatrix2D((450, 350), degrees, 1.0)
    turned = np.asarray(cv2.warpAffine(picture, turn, (900, 700), borderValue=240)[120:580, 150:750], np.uint8)
    cv2.ellipse(ring, (450, 350), (40, 60), 0, 0, 360, 1, 10)
    ring = ring[120:580, 150:750]
    turned[ring > 0] = 30
    mask = page_mask(find_foreground(turned, even_light=True))[0].mask > 0
    assert mask[ring > 0].mean() > 0.9
    assert mask[~cv2.dilate(ring, np.ones((9, 9))).astype(bool)].mean() < 0.004


def test_a_rule_that_writing_hides_is_gone_where_it_is_seen() -> None:
    picture, _ = sheet(across=60)
    # A row of strokes along the third rule hides three quarters of it.
    for x in range(10, 460, 15):
        picture[130:170, x : x + 8] = 30
    mask = page_mask(find_foreground(picture, even_light=True))[0].mask > 0
    assert mask[145:157, 480:].mean() < 0.02


@pytest.mark.parametrize("lines", [150, 205])
def test_strokes_along_fainter_lines_are_whole(lines: int) -> None:
    picture, drawn = np.full((400, 600), 240, np.uint8), np.zeros((400, 600), np.uint8)
    picture[10::24], picture[11::24], picture[12::24] = lines, lines, lines
    picture[:, 8::24], picture[:, 9::24], picture[:, 10::24] = lines, lines, lines
    # Digits of straight strokes that lie on the lines and beside them.
    for x in (104, 200, 296):
        cv2.line(drawn, (x, 107), (x, 203), 1, 4)
        cv2.line(drawn, (x, 155), (x + 48, 155), 1, 4)
    picture[drawn > 0] = 30
    mask = page_mask(find_foreground(picture, even_light=True))[0].mask > 0
    assert mask[drawn > 0].mean() > 0.97
    assert mask[cv2.dilate(drawn, np.ones((5, 5))) == 0].mean() < 0.002
    assert cv2.connectedComponents(mask.astype(np.uint8))[0] == 4


def test_crossings_that_are_stronger_than_their_lines_are_gone() -> None:
    picture = np.full((400, 600), 240, np.uint8)
    for k in range(3):
        picture[10 + k :: 60], picture[:, 8 + k :: 60] = 190, 190
    for y in range(10, 400, 60):
        for x in range(8, 600, 60):
            picture[y : y + 3, x : x + 3] = 90
    cv2.rectangle(picture, (210, 90), (290, 220), 30, 8)
    # A minus right on a line.
    picture[190:193, 400:440] = 30
    mask = page_mask(find_foreground(picture, even_light=True))[0].mask > 0
    assert cv2.connectedComponents(mask.astype(np.uint8))[0] == 3
    assert mask[190:193, 402:438].mean() > 0.9


def test_the_border_of_a_dark_box_on_fainter_squares_is_gone() -> None:
    picture = np.full((400, 700), 240, np.uint8)
    picture[10::24], picture[:, 8::24] = 200, 200
    for x in range(60, 640, 145):
        cv2.rectangle(picture, (x, 120), (x + 140, 260), 30, 2)
        cv2.ellipse(picture, (x + 70, 190), (26, 44), 0, 20, 340, 30, 8)
    mask = page_mask(find_foreground(picture, even_light=True))[0].mask > 0
    ovals = np.zeros_like(picture)
    for x in range(60, 640, 145):
        cv2.ellipse(ovals, (x + 70, 190), (26, 44), 0, 0, 360, 1, 16)
    assert mask[ovals == 0].mean() < 0.002


def test_a_stroke_that_lies_on_the_fainter_line_of_its_box_stays_whole() -> None:
    picture, bar = np.full((300, 800), 240, np.uint8), np.zeros((300, 800), np.uint8)
    for x in range(60, 700, 145):
        cv2.rectangle(picture, (x, 80), (x + 140, 220), 150, 4)
        # The bar of a 7 lies on the line at the top, the foot of another at the side.
        cv2.polylines(bar, [np.array([(x + 35, 81), (x + 100, 81), (x + 60, 190)])], False, 1, 5)
    cv2.line(bar, (62, 110), (62, 180), 1, 5)
    picture[bar > 0] = 30
    found = page_mask(find_foreground(picture, even_light=True))[0].mask
    assert found[bar > 0].mean() > 0.97
    assert found[cv2.dilate(bar, np.ones((7, 7), np.uint8)) == 0].sum() < 0.02 * bar.sum()


def test_on_plain_paper_all_ink_stays() -> None:
    picture, ring = sheet()
    # A bar as long as that of a 7 is no line.
    picture[140:148, 300:380] = 30
    mask = page_mask(find_foreground(picture, even_light=True))[0].mask > 0
    assert mask[ring].mean() > 0.97
    assert mask[140:148, 302:378].mean() > 0.97


def test_a_faint_pen_beside_a_strong_one_is_ink() -> None:
    picture, _ = sheet()
    cv2.ellipse(picture, (450, 200), (40, 60), 0, 0, 360, 165, 8)
    mask = page_mask(find_foreground(picture, even_light=True))[0].mask > 0
    drawn = np.zeros_like(picture)
    cv2.ellipse(drawn, (450, 200), (40, 60), 0, 0, 360, 1, 6)
    assert mask[drawn > 0].mean() > 0.9


def seven(*, across: int = 0, falls: float = 0.0, bend: float = 0.0, pen: int = 2, down: bool = False) -> Picture:
    """A 7 on a sheet, with so many lines across that fall, or bend by a share of the sheet's width, and lines down."""
    picture = np.full((300, 300), 240, np.uint8)
    x = np.arange(-20, 321, 4)
    for k in range(across):
        y = 300 * (k + 0.6) / across + falls * (x - 150) + 300 * bend * ((x - 150) / 150) ** 2
        line = np.rint(np.stack([x, y], axis=1)).astype(np.int32)
        cv2.polylines(picture, [line], False, 120, pen)
        if down:
            cv2.polylines(picture, [np.ascontiguousarray(line[:, ::-1])], False, 120, pen)
    cv2.polylines(picture, [np.array([(90, 70), (200, 72), (130, 240)])], False, 30, 14)
    return picture


@pytest.mark.parametrize(
    "lines",
    [
        {"across": 1},
        {"across": 2, "falls": 0.03},
        {"across": 5, "falls": 0.07},
        {"across": 5, "falls": -0.05, "pen": 5},
        {"across": 4, "bend": 0.03},
        {"across": 6, "falls": 0.02, "down": True},
    ],
)
def test_a_digit_on_ruled_paper_gives_the_image_that_it_gives_on_plain_paper(lines: dict[str, Any]) -> None:
    ruled, plain = normalize(seven(**lines)).image, normalize(seven()).image
    soft = [cv2.GaussianBlur(image.astype(np.float32), (0, 0), 1.0).ravel() for image in (ruled, plain)]
    assert np.corrcoef(soft[0], soft[1])[0, 1] > 0.93


def test_the_bar_of_a_7_cropped_to_its_box_is_no_line_of_the_paper() -> None:
    cropped = np.ascontiguousarray(seven()[62:248, 84:207])
    mask = digit_mask(find_foreground(cropped))
    assert mask[2:12, 10:110].mean() > 0.9


def test_a_frame_open_at_the_top_is_gone_and_the_1_in_it_stays() -> None:
    picture = np.full((150, 150), 245, np.uint8)
    cv2.polylines(picture, [np.array([(10, 12), (10, 138), (139, 138), (139, 12)])], False, 30, 4)
    cv2.line(picture, (75, 30), (75, 118), 30, 9)
    mask = digit_mask(find_foreground(picture))
    assert mask[35:113, 73:78].all()
    assert mask[:, 5:16].mean() < 0.1
    assert mask[132:144].mean() < 0.1


def drawn(strokes: list[list[tuple[int, int]]], thick: int, scale: float = 1.0) -> Picture:
    """Strokes of a pen on plain paper of 700 x 300 pixels, which is reduced to a share of that."""
    picture = np.full((300, 700), 235, np.uint8)
    for stroke in strokes:
        cv2.polylines(picture, [np.array(stroke, np.int32)], False, 40, thick, cv2.LINE_AA)
    size = round(700 * scale), round(300 * scale)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def stroke_of_2(x: int, wide: int = 100) -> list[tuple[int, int]]:
    top = [(x + 5, 110), (x + 25, 85), (x + 60, 85), (x + 80, 110), (x + 70, 140)]
    return [*top, (x, 220), (x + wide, 218)]


def stroke_of_7(x: int, wide: int = 100) -> list[tuple[int, int]]:
    return [(x, 88), (x + wide, 86), (x + 45, 222)]


@pytest.mark.parametrize("scale", [1.0, 0.12])
@pytest.mark.parametrize("step", [125, 100])
@pytest.mark.parametrize("digit", [stroke_of_2, stroke_of_7])
def test_feet_and_bars_of_digits_in_a_row_are_no_rule(digit: Any, step: int, scale: float) -> None:
    picture = drawn([digit(150 + step * k) for k in range(4)], 14, scale)
    mask = page_mask(find_foreground(picture, even_light=True))[0].mask
    assert mask[picture < 100].mean() > 0.95


def test_what_is_written_beside_faint_rules_stays_where_one_rule_is_the_pens() -> None:
    picture = drawn([[(40, 235), (650, 232)], *(stroke_of_2(150 + 130 * k) for k in range(3))], 8)
    without_rules = picture.copy()
    for row in (0, 1):
        picture[40 + row :: 60] = np.minimum(picture[40 + row :: 60], 170)
    mask = page_mask(find_foreground(picture, even_light=True))[0].mask
    assert mask[:225][without_rules[:225] < 100].mean() > 0.9


def test_a_rule_under_digits_that_stand_on_it_is_gone() -> None:
    picture = drawn([[(40, 224), (650, 220)], *(stroke_of_7(150 + 130 * k, 80) for k in range(3))], 8)
    mask = page_mask(find_foreground(picture, even_light=True))[0].mask
    assert not mask[:, 60:120].any()
    assert not mask[:, 560:640].any()


@pytest.mark.parametrize("seed", [5, 15, 18])
def test_bars_and_feet_of_digits_that_all_touch_are_no_lines_that_take_the_digits_with_them(
    mnist: Mnist, seed: int
) -> None:
    parts = split(mnist)
    page = Page(digits=(8, 9), touching=1.0, height=(36, 60))
    for number in write_numbers(page, parts.x_validation, parts.y_validation, 10, seed):
        mask = page_mask(find_foreground(number.picture, even_light=True))[0].mask > 0
        assert mask[number.owners >= 0].mean() > 0.7
