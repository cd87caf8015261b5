"""The command `manage.py reset_second_factor`, for an owner who has lost the phone and the recovery codes."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cvety_crm.sign_in import log, second_factor, sessions
from cvety_crm.sign_in.limits import allow_again
from cvety_crm.users import User


class Command(BaseCommand):
    """The command that deletes the second factor of a user and signs the user out everywhere."""

    help = "Delete the second factor of a user, who then signs in with the password alone, and end the user's sessions."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the name of the user."""
        parser.add_argument("username")

    def handle(self, *args: Any, username: str, **options: Any) -> None:
        """Delete the second factor. Raise `CommandError` if there is no such user."""
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no user {username}.")
        if not second_factor.turn_off(user):
            self.stdout.write(f"{username} has no second factor.")
        else:
            sessions.sign_out_everywhere(user)
            log.record(log.Kind.FACTOR_RESET, user, details="manage.py reset_second_factor")
            self.stdout.write(f"The second factor of {username} is deleted, and {username} is signed out everywhere.")
        allow_again(username)
