"""What web pages may do with a node, and which methods it serves only when asked.

A browser sends a page's requests wherever the page wants, so a node that listens on this machine alone is still
in reach of every page that its user opens. ``Origin`` says which page asks. ``Host`` says by which name: a page
whose own name was made to point here (DNS rebinding) is of the same origin for the browser, but its name is none
of the node's. An address in ``Host`` is always the node's own, for addresses are not looked up.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from jovay.rpc.errors import method_not_found
from jovay.rpc.table import METHODS, Method

if TYPE_CHECKING:
    from jovay.rpc.context import Services

ANY = "*"
LOCAL = "local"
LOCAL_HOSTS = ("localhost",)
_LOCAL_PAGE = re.compile(
    r"https?://(localhost|[a-z0-9.-]+\.localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?"
    r"|(chrome|moz|safari-web|ms-browser)-extension://[a-z0-9.-]+"
)
"""Of this machine are also extensions of its browsers, wallets for instance."""
_PORT = re.compile(r"(:\d*)?")
_SHOWN = 100


class Gate:
    """Which hosts and origins are let in; ``ANY`` lets in all, ``LOCAL`` pages of this machine."""

    def __init__(self, hosts: Iterable[str], origins: Iterable[str]) -> None:
        self.hosts = frozenset(host_name(host) or host.strip("[]").lower() for host in (*LOCAL_HOSTS, *hosts))
        self.origins = frozenset(origin.lower().rstrip("/") for origin in origins)
        self.any_origin = ANY in self.origins
        # The few texts that clients really send are looked at once.
        self._knows_host = lru_cache(256)(self._is_host)
        self._knows_origin = lru_cache(256)(self._is_origin)

    def refusal(self, headers: Mapping[str, str]) -> str:
        """Why a request with these headers is not answered; empty if it is."""
        host, origin = headers.get("host"), headers.get("origin")
        if host is not None and not self._knows_host(host):
            return f'host "{host[:_SHOWN]}" is not let in: --hosts lists the names under which this node is served'
        if origin is not None and not self._knows_origin(origin):
            return f'web pages of "{origin[:_SHOWN]}" are not let in: --origins lists those that are'
        return ""

    def _is_host(self, host: str) -> bool:
        if ANY in self.hosts:
            return True
        name = host_name(host)
        return name is not None and (name in self.hosts or _is_address(name))

    def _is_origin(self, origin: str) -> bool:
        origin = origin.lower()
        if self.any_origin or origin in self.origins:
            return True
        return LOCAL in self.origins and _LOCAL_PAGE.fullmatch(origin) is not None


def host_name(host: str) -> str | None:
    """Name or address in a ``Host`` field, in lower case and without port and brackets; None for nonsense."""
    if host.startswith("["):
        name, bracket, port = host[1:].partition("]")
        if not bracket or ":" not in name:
            return None
    else:
        name, colon, port = host.partition(":")
        port = colon + port
    return name.lower().rstrip(".") if _PORT.fullmatch(port) else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def find_method(name: str, services: Services) -> Method:
    """A method that this node serves; for others an error with the option that would make it."""
    method = METHODS.get(name)
    if method is None:
        raise method_not_found(name)
    if method.dev and services.backend.development is None:
        raise method_not_found(name, "--dev opens it")
    if method.tracing and not services.tracing:
        raise method_not_found(name, "--debug-api opens it")
    if method.namespace not in services.namespaces:
        raise method_not_found(name, "--namespaces says what this node serves")
    return method
