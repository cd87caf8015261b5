"""How gunicorn serves the CRM: processes and no threads (django-unfold keeps the request on shared objects)."""

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
# Seconds after which a silent worker is replaced; exports are the slowest pages.
timeout = 60
graceful_timeout = 5
# A worker is replaced now and then, so that a slow leak never matters; not all of them at once.
max_requests = 5000
max_requests_jitter = 500
# Loaded once and then forked: five workers start as fast as one and share its memory.
preload_app = True
accesslog = None
loglevel = "warning"
proc_name = "cvety-crm"
# Nobody steers a running server through it, and its socket would land in the checkout.
control_socket_disable = True


def pre_fork(server: Any, worker: Any) -> None:
    """Close database connections opened while loading: two processes must never share one."""
    from django.db import connections

    connections.close_all()
