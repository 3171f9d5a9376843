"""The exceptions that the API raises on purpose, besides those of the core.

    DigitsError
    ├── UploadError (ValueError)             the request does not carry what is expected
    │   ├── MissingFileError                 no file in the form's field
    │   ├── MalformedFormError               not the form that its header promises
    │   ├── TooManyFilesError                more files than are taken at a time
    │   ├── BatchTooLargeError               more bytes together than the limit
    │   ├── UnsupportedMediaTypeError        neither a form nor an image
    │   └── BodyTooSlowError                 not all of it in time
    ├── OverloadedError (RuntimeError)       too many requests at a time
    ├── BuffersFullError (RuntimeError)      too many bytes at a time
    ├── NotReadyError (RuntimeError)         no model yet, or about to stop
    ├── UnauthorizedError (PermissionError)  no API key, or none that is known
    ├── RateLimitedError (RuntimeError)      one client asks too often
    └── UntrustedHostError (ValueError)      asked for a host that this is not

`digits.service.problems` says how each is answered.
"""

from digits.errors import DigitsError


class UploadError(DigitsError, ValueError):
    """The request does not carry a file where one is expected."""


class MissingFileError(UploadError):
    """The form has no file in the field where one is expected."""


class MalformedFormError(UploadError):
    """The body is not the multipart form that its header promises."""


class TooManyFilesError(UploadError):
    """The form has more files than are taken at a time."""


class BatchTooLargeError(UploadError):
    """The files of a batch have more bytes together than the limit."""


class UnsupportedMediaTypeError(UploadError):
    """The body is neither a multipart form nor an image."""


class BodyTooSlowError(UploadError):
    """The body did not arrive in time."""


class OverloadedError(DigitsError, RuntimeError):
    """More requests are being answered than the service takes at a time."""


class BuffersFullError(DigitsError, RuntimeError):
    """The bodies that are held at a time would take more memory than the limit."""


class NotReadyError(DigitsError, RuntimeError):
    """No model is loaded (yet), or the server is about to stop."""


class UnauthorizedError(DigitsError, PermissionError):
    """The request has no API key, or none that is known."""


class RateLimitedError(DigitsError, RuntimeError):
    """The client asks too often.

    Args:
        message: for the person who reads it.
        retry_after: seconds until it may ask again.
    """

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UntrustedHostError(DigitsError, ValueError):
    """The request is for a host that this service is not."""
