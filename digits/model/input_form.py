"""The forms in which networks take images: the scale of the pixels, and whether strokes are light or dark.

Networks of Digits take light strokes in 0..1. A network that was trained elsewhere may want another form, which its
file does not state. `find_input_form` tries each form on the test images in the shipped model.
"""

import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources

import numpy as np
import numpy.typing as npt

from digits.model.examples import Examples

# The mean and standard deviation of MNIST's pixels in 0..1, by which many training scripts standardize.
_MEAN, _DEVIATION = 0.1307, 0.3081

# A network reads the examples under a form if it reads this share of them. By chance it reads a tenth; a weak network
# reads two fifths, because the examples are those that the shipped model finds hardest.
_LEAST_SHARE = 0.25
# Another form is taken instead of the usual one only if it is better by this share.
_CLEARLY = 0.1


@dataclass(frozen=True)
class InputForm:
    """How a network takes pixels.

    Args:
        name: for the card and for people.
        divisor: of pixels in 0..255.
        offset: added after the division.
        dark_strokes: whether strokes are dark on a light ground.
    """

    name: str
    divisor: float
    offset: float = 0.0
    dark_strokes: bool = False

    def apply(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Returns float32 in this form for uint8 images with light strokes, of any shape."""
        scaled = (255 - images if self.dark_strokes else images).astype(np.float32) / np.float32(self.divisor)
        return scaled + np.float32(self.offset) if self.offset else scaled


USUAL = InputForm("0..1", 255.0)
_LIGHT = (
    USUAL,
    InputForm("0..255", 1.0),
    InputForm("-1..1", 127.5, -1.0),
    InputForm("standardized", 255.0 * _DEVIATION, -_MEAN / _DEVIATION),
)
_DARK = tuple(InputForm(f"{form.name}, dark strokes", form.divisor, form.offset, dark_strokes=True) for form in _LIGHT)
INPUT_FORMS: Mapping[str, InputForm] = {form.name: form for form in (*_LIGHT, *_DARK)}


def find_input_form(
    classify: Callable[[npt.NDArray[np.uint8], InputForm], npt.NDArray[np.float32]],
) -> tuple[InputForm | None, float]:
    """Finds the form under which a network reads the examples.

    Args:
        classify: returns probabilities of shape (n, 10) for uint8 images of shape (n, 28, 28) and a form.

    Returns:
        The form, or None if the network reads the examples under none; and the share of the examples that it reads
        correctly under the best form, 0..1.
    """
    images, labels = _examples()
    shares = {
        name: float((classify(images, form).argmax(axis=1) == labels).mean()) for name, form in INPUT_FORMS.items()
    }
    best = max(shares, key=lambda name: shares[name])
    if shares[USUAL.name] > shares[best] - _CLEARLY:
        best = USUAL.name
    return (INPUT_FORMS[best] if shares[best] >= _LEAST_SHARE else None), shares[best]


def example_images() -> npt.NDArray[np.uint8]:
    """Returns the images on which networks are tried, uint8 of shape (n, 28, 28)."""
    return _examples()[0]


def _examples() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Returns images and labels of the test images in the shipped model that the shipped model reads correctly."""
    with (
        resources.files("digits").joinpath("shipped", "mnist_model.keras").open("rb") as file,
        zipfile.ZipFile(file) as archive,
    ):
        examples = Examples.from_bytes(archive.read("digits/examples.npz"))
    right = examples.labels == examples.read
    return examples.images[right], examples.labels[right]
