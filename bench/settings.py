"""The CRM's settings, with the URL of the baseline view and the command `make_orders` added."""

import os
from pathlib import Path

from cvety_crm.settings import *  # noqa: F403

INSTALLED_APPS = [*INSTALLED_APPS, "bench"]  # noqa: F405
ROOT_URLCONF = "bench.urls"
# WhiteNoise warns if this folder is missing. The benchmark serves no static files, so it names a folder of its own.
if "BENCH_STATIC_ROOT" in os.environ:
    STATIC_ROOT = Path(os.environ["BENCH_STATIC_ROOT"])
