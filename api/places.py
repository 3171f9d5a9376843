"""A bound on the requests that are answered at a time."""

from types import TracebackType

from api.problems import OverloadedError


class Places:
    """Places for requests that are being answered; `with places:` takes one and gives it back.

    Args:
        most: how many there are.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0

    def __enter__(self) -> None:
        """Takes a place; raises `OverloadedError` if there is none."""
        if self.taken >= self.most:
            raise OverloadedError(
                f"{self.most} requests are being answered, and no more are taken at a time. Try again in a moment."
            )
        self.taken += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Gives the place back."""
        self.taken -= 1
