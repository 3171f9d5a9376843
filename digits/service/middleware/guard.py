"""Who may ask, for which host, and how often: all off unless it was set."""

import ipaddress

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from digits.errors import DigitsError
from digits.service.errors import UnauthorizedError, UntrustedHostError
from digits.service.limits.rate import RateLimiter
from digits.service.middleware.keys import Keyring
from digits.service.problems import error_response
from digits.service.request_context import CURRENT, route_path

# Whoever watches over the service has no key and comes by address, and documentation is no secret.
_HEALTH = "/health/"
_OPEN = ("/", "/docs", "/openapi.json")
_OPEN_BELOW = "/static-offline-docs/"

_HOW = "Send the one that the operator gave you in a header: Authorization: Bearer KEY"


class TrustedHosts:
    """ASGI middleware: refuses requests for other hosts, but for those about health, which come by address.

    Args:
        app: takes the others.
        hosts: that are answered, `*.` before one for all below it.
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...]) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses, or hands on."""
        if scope["type"] == "http" and not route_path(scope).startswith(_HEALTH):
            try:
                _check_host(Request(scope).headers.get("host", ""), self.hosts)
            except DigitsError as error:
                await error_response(error)(scope, receive, send)
                return
        await self.app(scope, receive, send)


class Guard:
    """ASGI middleware: refuses requests before anything of their body is taken.

    Args:
        app: takes the others.
        keys: one of which a request has to have; None if it need not.
        rate: how often each key, or each address, may ask; None if as often as it likes.
    """

    def __init__(self, app: ASGIApp, keys: Keyring | None, rate: RateLimiter | None) -> None:
        self.app = app
        self.keys = keys
        self.rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses, or hands on."""
        if scope["type"] == "http":
            path = route_path(scope)
            if path not in _OPEN and not path.startswith((_HEALTH, _OPEN_BELOW)):
                try:
                    self._check(Request(scope))
                except DigitsError as error:
                    await error_response(error)(scope, receive, send)
                    return
        await self.app(scope, receive, send)

    def _check(self, request: Request) -> None:
        client, refused = client_of(request), None
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


def client_of(request: Request) -> str:
    """Whom a request without a key is counted for: its address, of which one client may command a whole network."""
    address = request.client.host if request.client else "unknown"
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    # IPv6 is handed out in networks of 64 bits.
    return str(ipaddress.ip_network((found, 64), strict=False))
