"""The settings of a worker process that a test starts: the settings of the tests, and the URL of the sandbox."""

import os

from tests.settings import *  # noqa: F403

BITRIX_API_URL = os.environ["SITE"]
