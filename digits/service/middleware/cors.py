"""CORS: which web pages may call the API from a browser."""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response

from digits.service.responses import blank_response

# The body's own, which the problem has in its own way.
_OF_BODY = ("content-length", "content-type")


class Cors(CORSMiddleware):
    """ASGI middleware: Starlette's, which refuses preflight requests with problem details, as all else is refused."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """Returns the answer to a preflight request: whether a page of its origin may send what it asks for."""
        answer = super().preflight_response(request_headers)
        if answer.status_code < 400:
            return answer
        reason = bytes(answer.body).decode()
        kept = {name: value for name, value in answer.headers.items() if name not in _OF_BODY}
        return blank_response(
            answer.status_code,
            f"{reason} in a preflight request from {request_headers['origin'][:200]!r}. The operator chooses the "
            "origins that may ask; they may use GET and POST, and the headers that the documentation names.",
            kept,
        )
