"""A small HTTP/1.1 client that sends any bytes and says how a request was lost.

Ordinary clients do not suit the benchmarks: they refuse to send malformed requests, silently send a request again, and
take longer to send it than the API takes to answer.
"""

import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

BOUNDARY = "digits-client"

Loss = Literal["refused", "unsent", "reset", "closed", "cut off", "timeout"]
LOSSES: Mapping[Loss, str] = {
    "refused": "no connection could be made",
    "unsent": "the connection ended before the request was sent whole",
    "reset": "sent whole, and the connection was reset before any byte of an answer",
    "closed": "sent whole, and the connection was closed before any byte of an answer",
    "cut off": "the answer ended in the middle",
    "timeout": "no answer in time",
}


class UnansweredError(Exception):
    """A request got no complete answer.

    Args:
        loss: how the request was lost.
    """

    def __init__(self, loss: Loss) -> None:
        super().__init__(LOSSES[loss])
        self.loss = loss


@dataclass(frozen=True)
class Answer:
    """A complete HTTP answer.

    Args:
        status: HTTP status code.
        headers: the headers by name; names are in lower case.
        body: the body's bytes.
        seconds: time from the first byte sent to the last byte received.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def media_type(self) -> str:
        """The content type without its parameters, such as `application/json`."""
        return self.headers.get("content-type", "").partition(";")[0]

    @property
    def closes(self) -> bool:
        """Whether the server closes the connection after this answer."""
        return self.headers.get("connection", "").lower() == "close"


def address_of(url: str) -> tuple[str, int]:
    """Returns host and port of a URL.

    Raises:
        ValueError: the URL lacks a host or a port.
    """
    parts = urlsplit(url)
    if parts.hostname is None or parts.port is None:
        raise ValueError(f"{url} must name a host and a port, as http://127.0.0.1:8000 does.")
    return parts.hostname, parts.port


def request(method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    """Returns the bytes of a well-formed request. POST requests and requests with a body get a Content-Length."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: digits",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def form(files: Iterable[bytes], field: str = "file") -> bytes:
    """Returns a multipart body with one part for each file, all in the same field."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{number}.png"\r\n'
        f"Content-Type: application/octet-stream\r\n\r\n".encode()
        + file
        + b"\r\n"
        for number, file in enumerate(files)
    ]
    return b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])


FORM_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def upload(image: bytes, path: str = "/predict/") -> bytes:
    """Returns a request with an image in a form."""
    return request("POST", path, {"Content-Type": FORM_TYPE}, form([image]))


def upload_raw(image: bytes, path: str = "/predict/", content_type: str = "image/png") -> bytes:
    """Returns a request with an image as its body."""
    return request("POST", path, {"Content-Type": content_type}, image)


def upload_batch(images: Iterable[bytes], path: str = "/predict/batch/") -> bytes:
    """Returns a request with many images in one form."""
    return request("POST", path, {"Content-Type": FORM_TYPE}, form(images, "files"))


class Connection:
    """A connection that opens when it is needed and stays open as long as the server keeps it open.

    Args:
        address: host and port.
        timeout: longest wait for each step, in seconds.
    """

    def __init__(self, address: tuple[str, int], timeout: float = 30.0) -> None:
        self.address = address
        self.timeout = timeout
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection if it is open."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def connect(self) -> socket.socket:
        """Returns the open connection, or a new one if there is none or if the server has closed it.

        Raises:
            UnansweredError: no connection can be made.
        """
        if self._socket is not None and self._has_ended(self._socket):
            self.close()
        if self._socket is None:
            try:
                self._socket = socket.create_connection(self.address, self.timeout)
            except OSError:
                raise UnansweredError("refused") from None
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._socket

    def exchange(self, *pieces: bytes, pause: float = 0.0) -> Answer:
        """Sends a request and returns its answer. The server may answer before it has received the whole request.

        Args:
            pieces: the request's bytes, sent piece by piece.
            pause: time between two pieces, in seconds.

        Raises:
            UnansweredError: no complete answer came. The connection is then closed.
        """
        connection, start, sent = self.connect(), time.perf_counter(), True
        try:
            for number, piece in enumerate(pieces):
                if number and pause:
                    time.sleep(pause)
                connection.sendall(piece)
        except TimeoutError:
            self.close()
            raise UnansweredError("timeout") from None
        except OSError:
            # The server may have refused the request halfway and answered it.
            sent = False
        try:
            status, headers, body = _receive(connection, pieces[0].startswith(b"HEAD "))
        except UnansweredError as error:
            self.close()
            if not sent and error.loss in ("reset", "closed"):
                raise UnansweredError("unsent") from None
            raise
        answer = Answer(status, headers, body, time.perf_counter() - start)
        if answer.closes or not sent:
            self.close()
        return answer

    @staticmethod
    def _has_ended(connection: socket.socket) -> bool:
        """Returns whether the server has closed the connection: between two requests there is nothing else to read."""
        timeout = connection.gettimeout()
        connection.setblocking(False)
        try:
            connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            connection.settimeout(timeout)
        return True


def _receive(connection: socket.socket, without_body: bool) -> tuple[int, dict[str, str], bytes]:
    """Returns status, headers and body of the next answer."""
    data = b""
    while True:
        data = _read_until(connection, data, b"\r\n\r\n")
        head, _, data = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        try:
            status = int(first.split(" ", 2)[1])
        except (IndexError, ValueError):
            raise UnansweredError("cut off") from None
        # After an interim status, such as "100 Continue", the answer follows.
        if status >= 200:
            break
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if without_body or status in (204, 304):
        return status, headers, b""
    if "content-length" not in headers:
        return status, headers, _read_to_end(connection, data)
    length = int(headers["content-length"])
    while len(data) < length:
        data += _read_some(connection, begun=True)
    return status, headers, data[:length]


def _read_until(connection: socket.socket, data: bytes, mark: bytes) -> bytes:
    while mark not in data:
        data += _read_some(connection, begun=bool(data))
    return data


def _read_some(connection: socket.socket, *, begun: bool) -> bytes:
    try:
        received = connection.recv(65_536)
    except TimeoutError:
        raise UnansweredError("timeout") from None
    except OSError:
        raise UnansweredError("cut off" if begun else "reset") from None
    if not received:
        raise UnansweredError("cut off" if begun else "closed")
    return received


def _read_to_end(connection: socket.socket, data: bytes) -> bytes:
    """Returns a body without a Content-Length: all bytes until the server closes the connection."""
    try:
        while received := connection.recv(65_536):
            data += received
    except TimeoutError:
        raise UnansweredError("timeout") from None
    except OSError:
        raise UnansweredError("cut off") from None
    return data
