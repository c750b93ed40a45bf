"""What a WSGI server loads: `gunicorn wsgi:app`."""

from rental.app import create_app

app = create_app()
