"""Who may ask, for which host, and how often: all off unless it was set."""

import ipaddress

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import UnauthorizedError, UntrustedHostError
from api.exchange import CURRENT
from api.keys import Keyring
from api.problems import error_response
from api.rate import RateLimiter
from digits.errors import DigitsError

# Whoever watches over the service has no key and comes by address, and documentation is no secret.
_ALWAYS = ("/health/",)
_OPEN = ("/docs", "/openapi.json", "/static-offline-docs/")

_HOW = "Send the one that the operator gave you in a header: Authorization: Bearer KEY"


class Guard:
    """ASGI middleware: refuses requests before anything of their body is taken.

    Args:
        app: takes the others.
        hosts: that are answered, `*.` before one for all below it; all if empty.
        keys: one of which a request has to have; None if it need not.
        rate: how often each key, or each address, may ask; None if as often as it likes.
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...], keys: Keyring | None, rate: RateLimiter | None) -> None:
        self.app = app
        self.hosts = hosts
        self.keys = keys
        self.rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses, or hands on."""
        path = scope.get("path", "")
        if scope["type"] != "http" or path.startswith(_ALWAYS):
            await self.app(scope, receive, send)
            return
        try:
            self._check(Request(scope), path)
        except DigitsError as error:
            await error_response(error)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _check(self, request: Request, path: str) -> None:
        if self.hosts:
            _check_host(request.headers.get("host", ""), self.hosts)
        if path == "/" or path.startswith(_OPEN):
            return
        client, refused = _address(request), None
        if self.keys is not None:
            try:
                client = "key " + _named(request, self.keys)
            except UnauthorizedError as error:
                refused = error
        if self.rate is not None:
            # Before a wrong key is told so: whoever guesses keys is slowed down as well.
            self.rate.check(client)
        if refused is not None:
            raise refused


def _check_host(header: str, hosts: tuple[str, ...]) -> None:
    host = header.rsplit(":", 1)[0] if header.rpartition(":")[2].isdecimal() else header
    host = host.lower()
    if not any(host == one.lower() or (one.startswith("*.") and host.endswith(one[1:].lower())) for one in hosts):
        raise UntrustedHostError(
            f"This service does not answer for the host {host[:100]!r}. Use the address that the operator gave you."
        )


def _named(request: Request, keys: Keyring) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        key = request.headers.get("x-api-key", "")
    if not key:
        raise UnauthorizedError(f"The request has no API key. {_HOW}")
    name = keys.name_of(key.strip())
    if name is None:
        raise UnauthorizedError(f"The request's API key is not known, or not any more. {_HOW}")
    if exchange := CURRENT.get():
        exchange.client = name
    return name


def _address(request: Request) -> str:
    address = request.client.host if request.client else "unknown"
    if ":" in address:
        # One client commands a whole IPv6 network of 64 bits.
        try:
            return str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
        except ValueError:
            pass
    return address
