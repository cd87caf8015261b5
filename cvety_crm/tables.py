"""The base model of every table: a UUID primary key and two timestamps."""

import uuid

from django.contrib.postgres.functions import RandomUUID
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Table(models.Model):
    """A table with a primary key and timestamps. Both also have database defaults, for writes without Django."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, db_default=RandomUUID(), editable=False)
    created_at = models.DateTimeField(_("created"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("updated"), auto_now=True, db_default=Now(), editable=False)

    class Meta:
        abstract = True
