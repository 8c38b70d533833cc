"""`python3 -m unittest discover -s tests -t .`, in the SDK's folder."""

from . import fake  # Before anything imports `sessile`.
