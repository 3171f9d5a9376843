"""The exceptions that the API raises on purpose, besides those of the core.

    DigitsError
    ├── UploadError (ValueError)                 the request does not carry what is expected
    │   ├── MissingFileError                     no file in the form's field
    │   ├── MalformedFormError                   not the form that its header promises
    │   ├── MalformedBodyError                   not the JSON, base64 or compression that it promises
    │   ├── UnsupportedMediaTypeError            neither a form nor an image, or compressed in an unknown way
    │   ├── BodyTooSlowError                     the body did not arrive in time
    │   └── BatchError                           the batch exceeds a limit
    │       ├── TooManyFilesError                on its files
    │       └── BatchTooLargeError               on its bytes
    ├── UnavailableError (RuntimeError)          not now: try again in a moment
    │   ├── OverloadedError                      too many requests at a time
    │   ├── BuffersFullError                     too many bytes at a time
    │   ├── ServerBusyError                      others take the processor for too long
    │   └── NotReadyError                        no model yet, or about to stop
    └── AccessError                              the client may not ask
        ├── UnauthorizedError (PermissionError)  no API key, or an unknown one
        ├── RateLimitedError (RuntimeError)      the client asks too often
        └── UntrustedHostError (ValueError)      the request is for another host

A route documents a whole group by its base class; `digits.service.problems` says how each error is answered.
"""

from digits.errors import DigitsError, ProcessStartError, PutAsideError, WorkerDiedError, is_out_of_files

# Python has no type of its own for it.
_NO_THREAD = "can't start new thread"


class UploadError(DigitsError, ValueError):
    """The request does not carry a file where one is expected."""


class MissingFileError(UploadError):
    """The form has no file in the field where one is expected."""


class MalformedFormError(UploadError):
    """The body is not the multipart form that its header promises."""


class MalformedBodyError(UploadError):
    """The body is not the JSON, the base64 or the compressed data that it promises to be."""


class UnsupportedMediaTypeError(UploadError):
    """The body is neither a multipart form nor an image, or is compressed in an unknown way."""


class BodyTooSlowError(UploadError):
    """The body did not arrive in time."""


class BatchError(UploadError):
    """The batch exceeds a limit that a single file does not have."""


class TooManyFilesError(BatchError):
    """The form has more files than the limit."""


class BatchTooLargeError(BatchError):
    """The files of a batch have more bytes together than the limit."""


class UnavailableError(DigitsError, RuntimeError):
    """The service cannot answer now; the same request may succeed in a moment."""


class OverloadedError(UnavailableError):
    """The service already answers as many requests at a time as the limit."""


class BuffersFullError(UnavailableError):
    """The bodies held at a time would take more memory than the limit."""


class ServerBusyError(UnavailableError):
    """An image could not be read in time because others take the processor."""


class NotReadyError(UnavailableError):
    """No model is loaded yet, or the server is about to stop."""


class AccessError(DigitsError):
    """The client may not ask: who it is, how often it asks, or which host it asks for."""


class UnauthorizedError(AccessError, PermissionError):
    """The request has no API key, or an unknown one."""


class RateLimitedError(AccessError, RuntimeError):
    """The client asks too often.

    Args:
        message: for the person who reads it.
        retry_after: seconds until the client may ask again.
    """

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UntrustedHostError(AccessError, ValueError):
    """The request is for a host that this service does not answer for."""


def as_unavailable(error: Exception) -> UnavailableError | None:
    """Returns what to answer where the system lacks threads, processes, files or room; None for any other error.

    All but the last pass as soon as other requests are answered.

    Args:
        error: as Python raises it.
    """
    if isinstance(error, RuntimeError) and str(error) == _NO_THREAD:
        return OverloadedError("The service can start no more threads. Try again in a moment.")
    if isinstance(error, PutAsideError):
        return OverloadedError(
            "The service cannot put this file aside: it has no room on its disk, or may not write there. Try again in "
            "a moment."
        )
    if isinstance(error, WorkerDiedError):
        return OverloadedError(str(error))
    if isinstance(error, ProcessStartError):
        return OverloadedError("The service can start no more processes. Try again in a moment.")
    # Libraries and networks are loaded with the first request that needs them.
    if is_out_of_files(error) or is_out_of_files(error.__cause__):
        return OverloadedError("The service can open no more files. Try again in a moment.")
    return None
