"""The CRM's settings, with the URL of the baseline view added."""

import os
from pathlib import Path

from cvety_crm.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"
# WhiteNoise warns if this folder is missing. The benchmark serves no static files.
STATIC_ROOT = Path(os.environ["BENCH_STATIC_ROOT"])
