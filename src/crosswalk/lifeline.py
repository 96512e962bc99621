"""What keeps a long idle connection alive, and what tells a session of one attempt from those of another.

    keep       the system asks a silent peer now and then, so that no firewall forgets us and a dead peer is noticed
    patiently  while rows are sent, a peer that takes none for long is no dead one
    marked     sessions opened inside carry a mark in their application_name, by which leftovers can be ended

Knows sockets, and nothing of a server. Where the system lacks an option it goes without.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Final

IDLE_SECONDS: Final = 30
"""Of silence, before the peer is asked; NAT tables forget a connection after a few minutes."""
INTERVAL_SECONDS: Final = 10
PROBES: Final = 9
"""Unanswered: then the peer is dead, two minutes after its last word."""
UNANSWERED_SECONDS: Final = IDLE_SECONDS + INTERVAL_SECONDS * PROBES
"""The same for what was sent and not acknowledged, where the system would go on for a quarter of an hour."""
_OPTIONS: Final = (("TCP_KEEPIDLE", IDLE_SECONDS), ("TCP_KEEPINTVL", INTERVAL_SECONDS), ("TCP_KEEPCNT", PROBES))

_mark: ContextVar[str] = ContextVar("crosswalk_mark", default="")


def keep(sock: socket.socket | None) -> None:
    """Ask for keepalives on a TCP socket; any other is left alone."""
    if not _is_tcp(sock):
        return
    assert sock is not None
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OPTIONS:
        _set(sock, name, value)
    _set(sock, "TCP_USER_TIMEOUT", UNANSWERED_SECONDS * 1000)


@contextmanager
def patiently(sock: socket.socket | None) -> Iterator[None]:
    """While rows are sent: a peer whose window stays shut (a lock, a slow trigger, a checkpoint) is alive.

    Linux counts a shut window as unanswered, though the peer acknowledges each probe.
    """
    if not _is_tcp(sock):
        yield
        return
    assert sock is not None
    _set(sock, "TCP_USER_TIMEOUT", 0)
    try:
        yield
    finally:
        _set(sock, "TCP_USER_TIMEOUT", UNANSWERED_SECONDS * 1000)


def _is_tcp(sock: socket.socket | None) -> bool:
    return sock is not None and sock.family in {socket.AF_INET, socket.AF_INET6}


def _set(sock: socket.socket, name: str, value: int) -> None:
    option = getattr(socket, name, None)
    if option is not None:
        with suppress(OSError):  # closed meanwhile, or an option that this system does not have
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


@contextmanager
def marked(mark: str) -> Iterator[None]:
    """Sessions that are opened inside, in tasks begun inside too, carry this mark."""
    token = _mark.set(mark)
    try:
        yield
    finally:
        _mark.reset(token)


def mark() -> str:
    """The mark of now; empty where there is none."""
    return _mark.get()
