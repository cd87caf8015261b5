"""nginx with the configuration that the installer has written, as an ordinary process."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

PROGRAM = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
MAIN = """
{user}
pid {scratch}/nginx.pid;
worker_processes 1;
events {{ worker_connections 1024; }}
http {{
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    client_body_temp_path {scratch}/body;
    proxy_temp_path {scratch}/proxy;
    fastcgi_temp_path {scratch}/fastcgi;
    uwsgi_temp_path {scratch}/uwsgi;
    scgi_temp_path {scratch}/scgi;
    include {root}/etc/nginx/sites-enabled/*;
}}
"""


class Proxy:
    """nginx for an installation below `root`."""

    def __init__(self, root: Path, scratch: Path) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.log = scratch / "nginx-error.log"
        self._main = scratch / "nginx.conf"
        (root / "var/log/nginx").mkdir(parents=True)
        user = "user root;" if os.geteuid() == 0 else ""  # the folders of the tests belong to the current user
        self._main.write_text(MAIN.format(user=user, scratch=scratch, root=root))

    def write_nginx(self, path: Path) -> None:
        """Write the program `nginx` that the installer calls."""
        path.write_text(f'#!/bin/sh\nexec {PROGRAM} -c {self._main} -e {self.log} "$@"\n')
        path.chmod(0o755)
        self._command = path

    def reload(self) -> None:
        """Start nginx, or let it read its configuration again."""
        if self.process is not None:
            self.process.send_signal(signal.SIGHUP)
        else:
            self.process = subprocess.Popen([self._command, "-g", "daemon off;"])

    def stop(self) -> None:
        """Stop nginx."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
