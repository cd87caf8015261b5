"""An authenticator app for tests, and functions that sign in over HTTP as a browser does."""

import html
import re
from base64 import b32decode
from typing import Any

from django.test import Client
from django_otp.oath import totp

from cvety_crm.models import SecondFactor
from cvety_crm.sign_in import second_factor
from cvety_crm.users import User

LOGIN = "/crm/login/"
CODE = "/crm/login/code/"
SET_UP = "/crm/account/second-factor/"
ACCOUNT = "/crm/account/"
HOME = "/crm/"
PASSWORD = "correct horse"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 "
    "Mobile/15E148 Safari/604.1"
)


def code_of(key: str, steps: int = 0) -> str:
    """Return the code that an app with this key shows now, or will show after this number of half minutes."""
    return f"{totp(b32decode(key.replace(' ', '')), t0=-30 * steps):06}"


def key_on(page: str) -> str:
    """Return the key that the page of the set-up shows."""
    return re.search(r'class="crm-key">([A-Z2-7 ]+)<', page)[1]


def codes_on(page: str) -> list[str]:
    """Return the recovery codes that the page shows."""
    return re.search(r'id="crm-recovery-codes">([^<]*)<', page)[1].split()


def secure(user: User) -> tuple[str, list[str]]:
    """Give the user a second factor. Return the key and the recovery codes."""
    key = second_factor.new_secret()
    return key, second_factor.turn_on(user, key, 0)


def enter_password(client: Client, username: str = "aigul", password: str = PASSWORD, **more: Any) -> Any:
    """Post the first step of signing in."""
    return client.post(more.pop("path", LOGIN), {"username": username, "password": password}, **more)


def enter_code(client: Client, code: str, **data: Any) -> Any:
    """Post the second step of signing in."""
    return client.post(CODE, {"code": code, **data})


def is_signed_in(client: Client) -> bool:
    """Return whether the browser may open the home page."""
    answer = client.get(HOME)
    assert answer.status_code in (200, 302)
    return answer.status_code == 200


def forget_last_code(user: User) -> None:
    """Let the codes of the present half minute be used again, so that a test need not wait for the next one."""
    SecondFactor.objects.filter(user=user).update(last_step=0)


def texts(response: Any) -> str:
    """Return the page as text with its entities decoded."""
    return html.unescape(response.content.decode())
