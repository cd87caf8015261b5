"""The product's settings, with one address more: the view that only answers."""

import os

from cvety_crm.settings import *  # noqa: F403

ROOT_URLCONF = "bench.urls"
# Whitenoise warns of a folder that is not there; the bench serves no static files.
STATIC_ROOT = os.environ["BENCH_STATIC_ROOT"]
