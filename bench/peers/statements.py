"""`python -m bench.peers.statements 250`: count the statements of the plain receiver, and print them as JSON.

This is a program of its own, because Django can have only the settings of one of the receivers in a process.
"""

import json
import sys
from dataclasses import asdict

import django

from bench.queries import count_statements
from bench.webhooks import Day

if __name__ == "__main__":
    django.setup()
    counted = count_statements(Day().take(int(sys.argv[1])))
    print(json.dumps({action: asdict(one) for action, one in counted.items()}))
