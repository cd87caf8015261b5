"""The settings of gunicorn. Processes have no threads, because django-unfold stores the request on shared objects."""

import multiprocessing
import os
from typing import Any

from cvety_crm.env_file import read_env_file
from cvety_crm.ops.listen_address import listen_address

read_env_file()
_host, _port = listen_address()

wsgi_app = "cvety_crm.wsgi"
bind = f"[{_host}]:{_port}" if ":" in _host else f"{_host}:{_port}"
worker_class = "sync"
workers = int(os.environ.get("WEB_CONCURRENCY") or min(2 * multiprocessing.cpu_count() + 1, 5))
threads = 1
# The number of seconds after which a worker that does not respond is replaced. The slowest pages are exports.
timeout = 60
graceful_timeout = 5
# Workers are replaced regularly, so that a slow memory leak does no harm. With the jitter they are not all replaced at
# the same time.
max_requests = 5000
max_requests_jitter = 500
# The app is loaded once and then forked: five workers start as fast as one worker and share memory.
preload_app = True
accesslog = None
loglevel = "warning"
proc_name = "cvety-crm"
# The control socket is not used, and gunicorn would create it in the checkout.
control_socket_disable = True


def pre_fork(server: Any, worker: Any) -> None:
    """Close the database connections opened while the app was loading: two processes must not share a connection."""
    from django.db import connections

    connections.close_all()


def post_fork(server: Any, worker: Any) -> None:
    """Let the process measure how many connections wait for it and the others."""
    from cvety_crm.listen_queue import set_listeners

    set_listeners([one.sock for one in worker.sockets], server.num_workers)
