"""The formats of log lines. No line contains a secret or a phone."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from cvety_crm.correlation import current_id
from cvety_crm.masking import mask, mask_phones

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""The attributes that every record has. All others were passed as `extra`."""
_SIMPLE = (str, int, float, bool, type(None))


class LineFormatter(logging.Formatter):
    """One line of text, and the lines of a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the message and the traceback of the record, with the id of the work, if it has one."""
        record.about = f" [{current_id()}]" if current_id() else ""
        return mask_phones(mask(super().format(record)))


class JsonFormatter(logging.Formatter):
    """One JSON object in a line: time, level, logger, message, correlation_id, and what was passed as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON."""
        values: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "correlation_id": current_id(),
        }
        # `extra` of Django contains whole requests, which are no values for a log.
        values |= {
            name: value for name, value in vars(record).items() if name not in _OWN and isinstance(value, _SIMPLE)
        }
        if record.exc_info:
            values["traceback"] = self.formatException(record.exc_info)
        masked = {name: _masked(value) for name, value in values.items() if value not in ("", None)}
        return json.dumps(masked, ensure_ascii=False, default=str)


def _masked(value: Any) -> Any:
    return mask_phones(mask(value)) if isinstance(value, str) else value
