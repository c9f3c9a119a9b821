"""The resolver of this function, whose routes are in several files."""

from __future__ import annotations

from functions.http_api import make_app

app = make_app()
