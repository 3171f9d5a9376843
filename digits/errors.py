"""The exceptions that Digits raises on purpose.

    DigitsError
    ├── ImageError (ValueError)              an image that cannot be answered
    │   ├── UnreadableImageError             its bytes cannot be decoded
    │   │   ├── EmptyFileError               it has no bytes
    │   │   ├── UnsupportedFormatError       it is not an image of a known format
    │   │   ├── EncryptedFileError           it needs a password
    │   │   └── BrokenImageError             it is damaged or cut off
    │   ├── ImageLimitError                  it is over a limit
    │   │   ├── ImageTooLargeError           too many bytes
    │   │   │   └── TooManyPixelsError       too many pixels
    │   │   ├── TooManyFramesError           too many frames or pages
    │   │   ├── TooManyPagesError            too many pages to read at a time
    │   │   ├── CrowdedImageError            too many parts that may be digits
    │   │   └── ComputeTimeError             too much time to read it
    │   └── ImageContentError                it shows something else than is asked for
    │       ├── NoInkError                   nothing is written on it
    │       │   └── NoDigitError             something is, and none of it is a digit
    │       ├── NoSuchPageError              it has no page of the number that was asked for
    │       ├── SeveralDigitsError           more than one digit is written on it
    │       └── UnexpectedNumberError        what is written on it does not match the pattern that was asked for
    ├── ModelError                           no usable model
    │   ├── ModelNotFoundError (FileNotFoundError)
    │   └── ModelFileError (ValueError)
    ├── DataError                            no usable data
    │   ├── DataUnavailableError (OSError)
    │   └── DataMismatchError (ValueError)
    ├── AccuracyFloorError (RuntimeError)    a training run whose model is not good enough to keep
    ├── ExportError (RuntimeError)           a network whose Keras and ONNX forms differ
    ├── QuantizationError (RuntimeError)     a network whose int8 form is less accurate
    ├── FeedbackError (RuntimeError)         feedback that cannot be kept or read
    ├── ComputationStoppedError (RuntimeError)   an answer that nobody needs any more
    ├── MemoryBusyError (RuntimeError)           other images take the memory that decoding may take
    ├── ProcessorBusyError (RuntimeError)        other programs take the time of the processor
    ├── ProcessStartError (RuntimeError)         the system starts no more processes for a moment
    │   └── PutAsideError                        it has no room for the file that the process reads
    ├── WorkerDiedError (RuntimeError)       a process that ended before its work was done
    ├── PatternError (ValueError)            a pattern of expected digits that cannot be understood
    ├── InkError (ValueError)                strokes of a pen that cannot be understood
    ├── SettingError (ValueError)            a setting out of range
    └── MissingInstallError (ImportError)    a part of Digits that is not installed, or does not work

Every message is written for the person who reads it: it names the thing, says what was expected and what was found,
and what to do next.
"""

import errno
import os
from typing import Any

_NO_FILE = os.strerror(errno.EMFILE)


class DigitsError(Exception):
    """The base of all errors that Digits raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Has errors pickled as they are: some are made of other arguments than they keep."""
        return _made_of, (type(self), self.args, dict(vars(self)))


def _made_of(kind: type[DigitsError], arguments: tuple[Any, ...], attributes: dict[str, Any]) -> DigitsError:
    error = kind.__new__(kind, *arguments)
    error.args = arguments
    vars(error).update(attributes)
    return error


class ImageError(DigitsError, ValueError):
    """An image cannot be answered."""


class UnreadableImageError(ImageError):
    """The bytes of the file cannot be decoded."""


class EmptyFileError(UnreadableImageError):
    """The file has no bytes."""


class UnsupportedFormatError(UnreadableImageError):
    """The file is not an image of a supported format."""


class EncryptedFileError(UnreadableImageError):
    """The file needs a password."""


class BrokenImageError(UnreadableImageError):
    """The file starts like an image but cannot be decoded."""


class ImageLimitError(ImageError):
    """The image is over a limit."""


class ImageTooLargeError(ImageLimitError):
    """The file has more bytes than the limit."""


class TooManyPixelsError(ImageTooLargeError):
    """The image has more pixels than the limit."""


class TooManyFramesError(ImageLimitError):
    """The file has more frames or pages than the limit."""


class TooManyPagesError(ImageLimitError):
    """The file has more pages than are read at a time."""


class CrowdedImageError(ImageLimitError):
    """The image shows more parts that may be digits than the limit."""


class ComputeTimeError(ImageLimitError):
    """Reading the image takes more processor time than the limit."""


class ImageContentError(ImageError):
    """The image shows something else than is asked for."""


class NoInkError(ImageContentError):
    """Nothing is written on the image that can be read."""


class NoDigitError(NoInkError):
    """Something is written on the page, and none of it is a digit."""


class NoSuchPageError(ImageContentError):
    """The file has no page of the number that was asked for."""


class SeveralDigitsError(ImageContentError):
    """The image shows more than one digit, and to pick one would be a guess.

    Args:
        count: the number of digits that were seen.
        or_more: whether the search stopped there.
    """

    def __init__(self, count: int, *, or_more: bool = False) -> None:
        super().__init__(
            f"{count}{' or more' if or_more else ''} digits were seen in this picture, and one is expected. "
            "Crop it to the digit that you mean. `/read/`, `digits read` and the app's page Numbers read all of them."
        )
        self.count = count


class UnexpectedNumberError(ImageContentError):
    """What is written on the image does not match the pattern that was asked for.

    Args:
        message: for the person who reads it.
        read: what was read, with " / " between its lines.
    """

    def __init__(self, message: str, read: str = "") -> None:
        super().__init__(message)
        self.read = read


class ModelError(DigitsError):
    """There is no usable model."""


class ModelNotFoundError(ModelError, FileNotFoundError):
    """The model file does not exist."""


class ModelFileError(ModelError, ValueError):
    """The model file exists but cannot be used."""


class DataError(DigitsError):
    """There is no usable data."""


class DataUnavailableError(DataError, OSError):
    """No source has the data."""


class DataMismatchError(DataError, ValueError):
    """The data is not what was expected."""


class AccuracyFloorError(DigitsError, RuntimeError):
    """A trained model is less accurate than its recipe requires."""


class ExportError(DigitsError, RuntimeError):
    """The ONNX form of a network gives other probabilities than its Keras form."""


class QuantizationError(DigitsError, RuntimeError):
    """The int8 form of a network is less accurate than its float32 form."""


class FeedbackError(DigitsError, RuntimeError):
    """People's feedback on answers cannot be kept or read, or there is none."""


class MemoryBusyError(DigitsError, RuntimeError):
    """Other images take the memory that decoding may take at a time."""


class ProcessorBusyError(DigitsError, RuntimeError):
    """A computation waited for the processor for so long that it was ended, within the time that it may take."""


class ProcessStartError(DigitsError, RuntimeError):
    """A process that reads a file cannot be started; that may pass in a moment."""


class PutAsideError(ProcessStartError):
    """A file cannot be put aside for the process that reads it, such as on a full disk."""


class ComputationStoppedError(DigitsError, RuntimeError):
    """A computation was ended because nobody needs its result any more."""


class WorkerDiedError(DigitsError, RuntimeError):
    """A process that did a part of the work ended before the work was done."""


class PatternError(DigitsError, ValueError):
    """A pattern of expected digits cannot be understood."""


class InkError(DigitsError, ValueError):
    """Strokes of a pen have another form than is known, or there are too many."""


class SettingError(DigitsError, ValueError):
    """A setting has a value that is not allowed."""


class MissingInstallError(DigitsError, ImportError):
    """A part of Digits that the call needs is not installed, or does not work."""


def is_out_of_files(error: BaseException | None) -> bool:
    """Returns whether an error says that this process, or the system, may open no more files."""
    if isinstance(error, ImportError):
        # Such as of a library that is loaded with the first file that needs it.
        return _NO_FILE in str(error)
    return getattr(error, "errno", None) in (errno.EMFILE, errno.ENFILE)
