"""Access control: trusted hosts, API keys and rate limit, each only if it is set."""

import functools
import ipaddress

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from digits.errors import DigitsError
from digits.service.errors import UnauthorizedError, UntrustedHostError
from digits.service.limits.rate import RateLimiter
from digits.service.middleware.keys import Keyring
from digits.service.request_context import CURRENT, route_path
from digits.service.responses import error_response

# Open to all: probes have no key and ask by address, and the documentation is no secret.
_HEALTH = ("/health/", "/v2/health/")
_OPEN = ("/", "/docs", "/openapi.json")
_OPEN_BELOW = "/static-offline-docs/"

_HOW = "Send the one that the operator gave you in a header: Authorization: Bearer KEY"


class TrustedHosts:
    """ASGI middleware: refuses requests for other hosts, except health checks, which come by address.

    Args:
        app: gets all other requests.
        hosts: host names that are answered; `*.example.com` stands for all names below.
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...]) -> None:
        self.app = app
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses the request, or passes it on."""
        if scope["type"] == "http" and not route_path(scope).startswith(_HEALTH):
            try:
                _check_host(Request(scope).headers.get("host", ""), self.hosts)
            except DigitsError as error:
                await error_response(error)(scope, receive, send)
                return
        await self.app(scope, receive, send)


class Guard:
    """ASGI middleware: refuses requests before any of their body is read.

    Args:
        app: gets all other requests.
        keys: the API keys, one of which a request must have; None if it needs none.
        rate: how often each key, or each address, may ask; None for no limit.
    """

    def __init__(self, app: ASGIApp, keys: Keyring | None, rate: RateLimiter | None) -> None:
        self.app = app
        self.keys = keys
        self.rate = rate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses the request, or passes it on."""
        if scope["type"] == "http":
            path = route_path(scope)
            if path not in _OPEN and not path.startswith((*_HEALTH, _OPEN_BELOW)):
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
            # Checked before a wrong key is refused, so that the limit slows down guessing as well.
            self.rate.check(client)
        if refused is not None:
            raise refused


def _check_host(header: str, hosts: tuple[str, ...]) -> None:
    host = header.rsplit(":", 1)[0] if header.rpartition(":")[2].isdecimal() else header
    host = host.lower()
    if not any(_matches(host, pattern.lower()) for pattern in hosts):
        raise UntrustedHostError(
            f"This service does not answer for the host {host[:100]!r}. Use the address that the operator gave you."
        )


def _matches(host: str, pattern: str) -> bool:
    return host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]))


def _named(request: Request, keys: Keyring) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        key = request.headers.get("x-api-key", "")
    if not key:
        raise UnauthorizedError(f"The request has no API key. {_HOW}")
    name = keys.name_of(key.strip())
    if name is None:
        raise UnauthorizedError(f"The request's API key is not known, or not any more. {_HOW}")
    if context := CURRENT.get():
        context.client = name
    return name


def client_of(request: Request) -> str:
    """Returns whom a request without a key is counted for: its IPv4 address or its IPv6 network of 64 bits."""
    return network_of(request.client.host if request.client else "unknown")


@functools.lru_cache(maxsize=1024)
def network_of(address: str) -> str:
    """Returns an IPv4 address as it is, the network of 64 bits of an IPv6 address, and any other text unchanged."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    # One client commands a whole network of 64 bits.
    return str(ipaddress.ip_network((parsed, 64), strict=False))
