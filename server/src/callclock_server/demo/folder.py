"""What the demonstration keeps on disk: its key, beside the database."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

KEY_FILE = "keys"
API_KEY = "demo"


def read_or_make_keys(folder: Path) -> dict[str, str]:
    """The demonstration's API key and secret: made at the first start, kept for the later ones.

    Raises `OSError` when the folder cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / KEY_FILE
    if file.exists():
        key, _, secret = file.read_text().strip().partition(":")
        if key and secret:
            return {key: secret}
    keys = {API_KEY: secrets.token_urlsafe(32)}
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write("".join(f"{key}:{secret}\n" for key, secret in keys.items()))
    return keys
