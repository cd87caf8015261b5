"""The WSGI application that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

from cvety_crm.request_bodies import RequestBodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cvety_crm.settings")

application = RequestBodies(get_wsgi_application())
