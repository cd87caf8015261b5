"""The file `.env`. It is read before the settings, because the web server also has settings in it."""

from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent


def read_env_file() -> environ.Env:
    """Add the variables of `.env`, or of the file in ENV_FILE, to the environment. Variables that are set are kept."""
    env = environ.Env()
    path = env.str("ENV_FILE", default=str(BASE_DIR / ".env"))
    if path:
        environ.Env.read_env(path)
    return env
