"""Settings of a worker that a test starts as a process: those of the tests, and the stand-in site's address."""

import os

from tests.settings import *  # noqa: F403

BITRIX_API_URL = os.environ["SITE"]
