"""Whether a transaction waits for the locks of another one."""

from collections.abc import Callable
from threading import Thread

from django.db import OperationalError, connection, transaction


def waits_for_lock(work: Callable[[], object]) -> bool:
    """Return whether `work` in a second transaction waits for a lock of this transaction."""
    found = []

    def run():
        try:
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL lock_timeout = '100ms'")
                work()
            found.append(False)
        except OperationalError:
            found.append(True)
        finally:
            connection.close()

    thread = Thread(target=run)
    thread.start()
    thread.join()
    return found[0]
