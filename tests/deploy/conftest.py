"""A machine on which each module of tests installs the CRM."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.machine import Machine


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    """Yield a bare machine. Its folder has a short path, because sockets are in it."""
    with tempfile.TemporaryDirectory(prefix="cvety-machine-") as folder:
        made = Machine(Path(folder))
        try:
            yield made
        finally:
            made.close()
