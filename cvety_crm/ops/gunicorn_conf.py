"""Settings of gunicorn: processes without threads, because django-unfold stores the request on shared objects."""

import multiprocessing
import os
from typing import Any

from cvety_crm.ops.listen_address import listen_address

_host, _port = listen_address()

wsgi_app = "cvety_crm.wsgi"
bind = f"[{_host}]:{_port}" if ":" in _host else f"{_host}:{_port}"
worker_class = "sync"
workers = int(os.environ.get("WEB_CONCURRENCY") or min(2 * multiprocessing.cpu_count() + 1, 5))
threads = 1
# Seconds after which a worker that does not respond is replaced. The slowest pages are exports.
timeout = 60
graceful_timeout = 5
# Workers are replaced regularly so that a slow memory leak does no harm; the jitter avoids replacing all at once.
max_requests = 5000
max_requests_jitter = 500
# The app is loaded once and then forked: five workers start as fast as one and share its memory.
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
