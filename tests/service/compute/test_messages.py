"""What a worker and its compute processes send each other."""

import io
from typing import Any

import pytest

from digits.errors import ImageError, ModelFileError, NoInkError, SeveralDigitsError
from digits.service.compute.messages import Done, Failed, Job, receive, send, uncopied


def through_a_pipe(message: object, piece: int = 10**9) -> Any:
    """Sends a message, a few bytes at a time, and returns what arrives."""
    pipe = io.BytesIO()
    send(lambda content: pipe.write(content[:piece]), message)
    pipe.seek(0)
    return receive(lambda size: pipe.read(min(size, piece)))


@pytest.mark.parametrize("piece", [1, 7, 10**9])
def test_a_message_arrives_as_it_was_sent_in_pieces_of_any_size(piece: int) -> None:
    assert through_a_pipe(Done([1, "two", b"three"]), piece) == Done([1, "two", b"three"])


def test_wrapped_bytes_arrive_as_bytes() -> None:
    job = through_a_pipe(Job(len, [uncopied(b"a" * 100_000), [uncopied(b"b"), uncopied(b"")], 3], 1.0, 2.0))
    assert job == Job(len, [b"a" * 100_000, [b"b", b""], 3], 1.0, 2.0)


def test_a_closed_pipe_is_told() -> None:
    with pytest.raises(EOFError):
        receive(lambda _: b"")


@pytest.mark.parametrize("error", [NoInkError("Nothing."), SeveralDigitsError(3, or_more=True), ModelFileError("No.")])
def test_errors_arrive_as_they_were_raised(error: ImageError) -> None:
    arrived = through_a_pipe(Failed(error)).error
    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert vars(arrived) == vars(error)
