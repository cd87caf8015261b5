"""The database backend. Django requires the name of this module and of its class."""

import select
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection
from psycopg.pq import ConnStatus, TransactionStatus


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection to PostgreSQL that is reused in the next request without a query if its socket is silent.

    Django executes `SELECT 1` before it reuses a connection (`CONN_HEALTH_CHECKS`), which takes a round trip in each
    request. PostgreSQL and PgBouncer send a message when they close a connection, and the kernel reports an end of the
    stream. So a socket without anything to read is as good as an answer. Django's check remains for the other cases:
    the server has sent something, or the previous request had an error.
    """

    health_check_done: bool

    def close_if_health_check_failed(self) -> None:
        """Close the connection before its first use in a request if it is no longer usable."""
        if self.connection is not None and not self.health_check_done and _is_silent(self.connection):
            self.health_check_done = True
        super().close_if_health_check_failed()

    def get_connection_params(self) -> dict[str, Any]:
        """Return the parameters. The kernel tests idle connections, and so finds a server that vanished silently."""
        keepalives = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
        return keepalives | super().get_connection_params()


def _is_silent(connection: "Connection[Any]") -> bool:
    """Return whether the connection is open and idle, and the server has not sent anything that is not read."""
    state = connection.pgconn
    if state.status != ConnStatus.OK or state.transaction_status != TransactionStatus.IDLE:
        return False
    poll = select.poll()
    poll.register(state.socket, select.POLLIN)
    return not poll.poll(0)
