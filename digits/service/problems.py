"""The problems that errors are answered with (RFC 9457): the one place that maps one to the other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from digits.errors import (
    BrokenImageError,
    ComputeTimeError,
    CrowdedImageError,
    DigitsError,
    EmptyFileError,
    EncryptedFileError,
    ImageTooLargeError,
    InkError,
    NoInkError,
    NoSuchPageError,
    PatternError,
    SeveralDigitsError,
    TooManyFramesError,
    TooManyPagesError,
    TooManyPixelsError,
    UnexpectedNumberError,
    UnsupportedFormatError,
)
from digits.images.formats import in_words
from digits.service.errors import (
    BatchTooLargeError,
    BodyTooSlowError,
    BuffersFullError,
    MalformedBodyError,
    MalformedFormError,
    MissingFileError,
    NotReadyError,
    OverloadedError,
    RateLimitedError,
    ServerBusyError,
    TooManyFilesError,
    UnauthorizedError,
    UnsupportedMediaTypeError,
    UntrustedHostError,
)
from digits.service.schemas import ProblemDetails

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Problem:
    """A kind of problem.

    Args:
        name: the last part of the `type` URI, which programs may rely on.
        status: HTTP status code.
        title: the same for every problem of this kind.
        example: a `detail` as the service gives it.
        retry_after: seconds after which the same request may succeed, unless the error itself says so; None if it
            will not succeed.
        headers: further headers of the answer.
    """

    name: str
    status: int
    title: str
    example: str
    retry_after: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """The URI that identifies this kind."""
        return f"urn:digits:problem:{self.name}"

    def details(self, detail: str) -> ProblemDetails:
        """Returns the problem details of one error, whose message is `detail`."""
        return ProblemDetails(type=self.type, title=self.title, status=self.status, detail=detail)


# The type of problems that the HTTP status describes fully.
BLANK = "about:blank"

PROBLEMS: Mapping[type[DigitsError], Problem] = {
    MalformedFormError: Problem(
        "malformed-form",
        400,
        "The form cannot be read",
        "The multipart form cannot be read (its Content-Type names no boundary). "
        "Let your HTTP client build it, for example: curl -F file=@7.png",
    ),
    MalformedBodyError: Problem(
        "malformed-body",
        400,
        "The body cannot be read",
        "The image's base64 cannot be read (Incorrect padding). Send a data URL, as canvas.toDataURL() gives it, or "
        "base64.",
    ),
    InkError: Problem(
        "malformed-strokes",
        400,
        "The strokes cannot be read",
        "Stroke 1 has 3 values of x and 2 of y; as many of each are needed.",
    ),
    ImageTooLargeError: Problem(
        "image-too-large",
        413,
        "The image is too large",
        "The file has more than the 20,971,520 bytes allowed. Use a smaller image.",
    ),
    TooManyPixelsError: Problem(
        "too-many-pixels",
        413,
        "The image has too many pixels",
        "The image has 8,000 x 8,000 pixels, more than the 50,000,000 allowed. Scale it down or crop it to "
        "what is written.",
    ),
    TooManyFramesError: Problem(
        "too-many-frames",
        413,
        "The image has too many frames",
        "The image has more than the 200 frames or pages allowed. Use the one that shows the digit.",
    ),
    TooManyPagesError: Problem(
        "too-many-pages",
        413,
        "The file has too many pages",
        "The file has 50 pages, more than the 20 that are read at a time. Ask for one page, such as page 1, or use "
        "fewer.",
    ),
    CrowdedImageError: Problem(
        "crowded-image",
        413,
        "The image shows too much",
        "More than the 3,000 things allowed were seen in this picture that may be digits, or parts of them. "
        "Crop it to the numbers that you mean.",
    ),
    ComputeTimeError: Problem(
        "compute-time-exceeded",
        413,
        "Reading the image takes too long",
        "Reading this image takes more than the 5 seconds of processor time allowed. Crop it to the digits that you "
        "mean, or scale it down.",
    ),
    BatchTooLargeError: Problem(
        "batch-too-large",
        413,
        "The batch is too large",
        "The files have more than the 104,857,600 bytes allowed together. Send fewer at a time.",
    ),
    UnsupportedFormatError: Problem(
        "unsupported-format",
        415,
        "Not an image of a supported format",
        f"This is not an image that can be read. Use a {in_words()} file.",
    ),
    UnsupportedMediaTypeError: Problem(
        "unsupported-media-type",
        415,
        "The body's type or compression is not supported",
        "The request has Content-Type 'text/plain'. Send the image as multipart/form-data in field 'file', "
        "for example: curl -F file=@7.png; as the body alone, with a Content-Type such as image/png, for example: "
        "curl -H 'Content-Type: image/png' --data-binary @7.png; or as application/json, with base64 or a data URL as "
        "'image'.",
    ),
    TooManyFilesError: Problem(
        "too-many-files",
        413,
        "Too many files",
        "The form has more than the 100 files allowed. Send fewer at a time.",
    ),
    MissingFileError: Problem(
        "missing-file",
        422,
        "No file was sent",
        "The form has no field 'file', but 'image'. Send the image in it, for example: curl -F file=@7.png",
    ),
    EmptyFileError: Problem(
        "empty-file",
        422,
        "The file is empty",
        "The file is empty (0 bytes). Choose an image file instead.",
    ),
    EncryptedFileError: Problem(
        "encrypted-file",
        422,
        "The file is encrypted",
        "The PDF file is encrypted and needs a password. Save it without one and use that, or use pictures of its "
        "pages.",
    ),
    BrokenImageError: Problem(
        "broken-image",
        422,
        "The image is damaged",
        "The image file is damaged or cut off and cannot be decoded (image file is truncated (2 bytes not processed)). "
        "Save or photograph it again and use the new file.",
    ),
    NoInkError: Problem(
        "no-ink",
        422,
        "No digit was found",
        "No ink was found: the image is blank, too faint or too noisy. "
        "Write the digit with a darker pen, fill more of the picture with it, or give it more light.",
    ),
    NoSuchPageError: Problem(
        "no-such-page",
        422,
        "There is no such page",
        "The file has 3 pages, and page 4 was asked for. Ask for a page from 1 to 3.",
    ),
    UnexpectedNumberError: Problem(
        "unexpected-number",
        422,
        "The number does not match the pattern",
        "What is written does not match the pattern '##/##/####': '37/5' was read. "
        "Use another picture, or a pattern that fits it.",
    ),
    PatternError: Problem(
        "bad-pattern",
        422,
        "The pattern cannot be understood",
        "The pattern 'ab' has 'a', 'b', which no pattern may have. Write how many digits there are, such as 4 or 4-6, "
        "or a mask in which # is a digit, #+ one digit or more, and anything else stands for itself, such as "
        "##/##/#### or #+.##.",
    ),
    SeveralDigitsError: Problem(
        "several-digits",
        422,
        "Several digits were seen",
        str(SeveralDigitsError(2)),
    ),
    BodyTooSlowError: Problem(
        "body-too-slow",
        408,
        "The body came in too slowly",
        "The body did not arrive within 30 seconds. Send a smaller image, or try again over a faster connection.",
    ),
    OverloadedError: Problem(
        "overloaded",
        503,
        "Too many requests at a time",
        "256 requests are being answered, and no more are taken at a time. Try again in a moment.",
        retry_after=1,
    ),
    BuffersFullError: Problem(
        "buffers-full",
        503,
        "There is no memory for the request now",
        "The bodies of other requests, and the images that are decoded now, leave no room for this body. "
        "Try again in a moment.",
        retry_after=1,
    ),
    # What keeps the processor busy for that long will hardly be done a moment later.
    ServerBusyError: Problem(
        "processor-busy",
        503,
        "The server is too busy to read the image in time",
        "The server is overloaded: in 20 seconds, reading this image did not get the 5 seconds of processor time that "
        "it may take. Try again in a moment.",
        retry_after=5,
    ),
    NotReadyError: Problem(
        "not-ready",
        503,
        "Not ready",
        "The model is not loaded. Try again in a moment.",
        retry_after=1,
    ),
    UnauthorizedError: Problem(
        "unauthorized",
        401,
        "An API key is needed",
        "The request has no API key. Send the one that the operator gave you in a header: Authorization: Bearer KEY",
        headers={"WWW-Authenticate": "Bearer"},
    ),
    RateLimitedError: Problem(
        "rate-limited",
        429,
        "Too many requests from this client",
        "More than 100 requests a minute came from this client. Try again in 3 seconds.",
        retry_after=1,
    ),
    UntrustedHostError: Problem(
        "untrusted-host",
        421,
        "Not the host that was asked for",
        "This service does not answer for the host 'example.com'. Use the address that the operator gave you.",
    ),
}


def problem_of(error: Exception) -> Problem:
    """Returns the kind of problem that an error is.

    Raises:
        Exception: the error itself, if it is none of `PROBLEMS`: the server logs it and answers 500.
    """
    problem = next((PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS), None)
    if problem is None:
        raise error
    return problem


def blank_details(status: int, detail: str) -> ProblemDetails:
    """Returns the details of a problem without a type of its own."""
    return ProblemDetails(type=BLANK, title=HTTPStatus(status).phrase, status=status, detail=detail)
