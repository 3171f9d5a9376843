"""The exceptions that Digits raises on purpose.

    DigitsError
    ├── ImageError (ValueError)          the upload cannot be answered
    │   ├── EmptyFileError               no bytes at all
    │   ├── UnsupportedFormatError       the bytes are not an image of a known format
    │   ├── BrokenImageError             an image, but damaged or cut off
    │   ├── ImageTooLargeError           more bytes than the limit
    │   │   └── TooManyPixelsError       more pixels than the limit
    │   ├── TooManyFramesError           more frames or pages than the limit
    │   ├── CrowdedImageError            more on it that may be digits than the limit
    │   ├── NoInkError                   nothing is written on it
    │   └── SeveralDigitsError           more than one digit is written on it
    ├── ModelError                       no usable model
    │   ├── ModelNotFoundError (FileNotFoundError)
    │   └── ModelFileError (ValueError)
    ├── DataError                        no usable data
    │   ├── DataUnavailableError (OSError)
    │   └── DataMismatchError (ValueError)
    ├── AccuracyFloorError (RuntimeError)    a training run that is not good enough to keep
    ├── ExportError (RuntimeError)           a network whose two forms differ
    ├── FeedbackError (RuntimeError)         what people said cannot be kept, or there is none
    ├── WorkerDiedError (RuntimeError)       a process that ended before its work was done
    ├── SettingError (ValueError)            a value out of range
    └── MissingInstallError (ImportError)    a part of the product that is not installed

Every message is written for the person who reads it: what it is about, what was found, what to do next.
"""


class DigitsError(Exception):
    """Base of all errors that Digits raises on purpose."""


class ImageError(DigitsError, ValueError):
    """An image that cannot be answered."""


class EmptyFileError(ImageError):
    """The file has no bytes."""


class UnsupportedFormatError(ImageError):
    """The bytes are not an image of a supported format."""


class BrokenImageError(ImageError):
    """The bytes start like an image but cannot be decoded."""


class ImageTooLargeError(ImageError):
    """The file has more bytes than the limit."""


class TooManyPixelsError(ImageTooLargeError):
    """The image has more pixels than the limit."""


class TooManyFramesError(ImageError):
    """The image has more frames or pages than the limit."""


class CrowdedImageError(ImageError):
    """The image shows more that may be digits, or parts of them, than the limit."""


class NoInkError(ImageError):
    """The image is blank: there is nothing to recognize."""


class SeveralDigitsError(ImageError):
    """The image shows more than one digit, and to pick one would be a guess.

    Args:
        count: how many were seen.
        or_more: whether it was not looked for more.
    """

    def __init__(self, count: int, *, or_more: bool = False) -> None:
        super().__init__(
            f"{count}{' or more' if or_more else ''} digits were seen in this picture, and one is expected. "
            "Crop it to the digit that you mean."
        )
        self.count = count


class ModelError(DigitsError):
    """There is no usable model."""


class ModelNotFoundError(ModelError, FileNotFoundError):
    """The model file does not exist."""


class ModelFileError(ModelError, ValueError):
    """The model file exists but cannot be used."""


class DataError(DigitsError):
    """There is no usable data."""


class DataUnavailableError(DataError, OSError):
    """The data could be had from no source."""


class DataMismatchError(DataError, ValueError):
    """The data is not the data that it should be."""


class AccuracyFloorError(DigitsError, RuntimeError):
    """A trained model is worse than its recipe's floor."""


class ExportError(DigitsError, RuntimeError):
    """The ONNX form of a network gives other probabilities than its Keras form."""


class FeedbackError(DigitsError, RuntimeError):
    """What people said of answers cannot be kept or read, or there is none."""


class WorkerDiedError(DigitsError, RuntimeError):
    """A process that did a part of the work ended before it was done."""


class SettingError(DigitsError, ValueError):
    """A setting has a value that is not allowed."""


class MissingInstallError(DigitsError, ImportError):
    """A part of the product that the call needs is not installed."""
