"""The number of connections that wait until a web process accepts them, as the kernel of Linux counts them."""

import socket
import sys
from collections.abc import Sequence

# struct tcp_info of linux/tcp.h: the state is the first byte. tcpi_unacked, the number at byte 24, is the length of the
# queue if the socket listens.
_TCP_LISTEN = 10
_sockets: Sequence[socket.socket] = ()
_processes = 1


def set_listeners(sockets: Sequence[socket.socket], processes: int) -> None:
    """Store the sockets on which this process and the others, `processes` together, accept connections.

    The server calls this when a process starts.
    """
    global _sockets, _processes
    _sockets, _processes = tuple(sockets), max(processes, 1)


def waiting_per_process() -> float:
    """Return the number of waiting connections for each process. It is 0 outside Linux, and without a listener."""
    return sum(map(_waiting, _sockets)) / _processes


def _waiting(listener: socket.socket) -> int:
    if sys.platform != "linux" or listener.family not in (socket.AF_INET, socket.AF_INET6):
        return 0
    try:
        info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 28)
    except OSError:  # the socket is closed while the server stops
        return 0
    is_listening = info[0] == _TCP_LISTEN
    return int.from_bytes(info[24:28], sys.byteorder) if is_listening else 0
