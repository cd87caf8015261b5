"""Print the writes outside the services, and exit with status 1 if there are such writes."""

import sys
from pathlib import Path

from cvety_crm.dev.write_check.checker import find_writes

findings = find_writes(Path.cwd())
for finding in findings:
    sys.stdout.write(f"{finding}\n")
if findings:
    sys.stdout.write(f"{len(findings)} writes: move each into a service of orders/services.\n")
sys.exit(bool(findings))
