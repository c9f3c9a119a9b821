"""Mail to people: what is to be sent is recorded (`outbox.py`), and then sent (`sending.py`)."""
