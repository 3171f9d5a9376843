"""API keys."""

import hashlib
import hmac
import logging
import re
import secrets
import time
from pathlib import Path

from digits.errors import SettingError

_log = logging.getLogger("digits")

_HASHED = "sha256:"
_SHORTEST = 16
# How often the file is checked for changes, in seconds.
_LOOK_SECONDS = 1.0
_HOW = f"it is a name, a space, and a key of {_SHORTEST} characters or more, or {_HASHED} and its digest in hexadecimal"


class Keyring:
    """The API keys, of which only SHA-256 digests are kept.

    The digest of a request's key is compared with all of them, and each comparison takes the same time whatever its
    outcome, so that the time of a refusal tells an attacker nothing. A fast digest is enough: keys are random, not
    words that somebody chose.

    Args:
        inline: names and keys, with commas between them.
        file: file with more of them, one on a line; read again when it changes.

    Raises:
        SettingError: the keys cannot be read.
    """

    def __init__(self, inline: str = "", file: Path | None = None) -> None:
        self._inline = _parse(inline.split(","), "DIGITS_API_KEYS")
        self._file = file
        self._stamp: tuple[int, int, int] | None = None
        self._looked = time.monotonic()
        self._digests = self._together()

    def name_of(self, key: str) -> str | None:
        """Returns the name under which a key is known, or None if it is unknown."""
        self._refresh()
        digest_of_key = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
        owner = None
        for digest, name in self._digests.items():
            if hmac.compare_digest(digest, digest_of_key):
                owner = name
        return owner

    def _refresh(self) -> None:
        """Reads the file again if it has changed; keeps the present keys if it cannot be read."""
        now = time.monotonic()
        if self._file is None or now - self._looked < _LOOK_SECONDS:
            return
        self._looked = now
        try:
            stamp = _stamp_of(self._file)
            if stamp != self._stamp:
                self._digests = self._together()
                _log.info("API keys read again: %d from %s", len(self._digests), self._file)
        except (OSError, SettingError) as error:
            _log.error("The API keys stay as they were: %s", error)

    def _together(self) -> dict[bytes, str]:
        digests = self._inline | (self._read(self._file) if self._file else {})
        if not digests:
            where = f"DIGITS_API_KEYS_FILE {self._file}" if self._file else "DIGITS_API_KEYS"
            raise SettingError(f"{where} holds no key, so nobody could ask. Make one with: digits key NAME")
        return digests

    def _read(self, file: Path) -> dict[bytes, str]:
        if file.exists() and not file.is_file():
            # Reading a pipe would wait without end for somebody who writes to it.
            raise SettingError(f"DIGITS_API_KEYS_FILE: {file} is no regular file.")
        try:
            self._stamp = _stamp_of(file)
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise SettingError(f"DIGITS_API_KEYS_FILE: {file} cannot be read ({reason}).") from error
        return _parse([line for line in lines if not line.lstrip().startswith("#")], f"DIGITS_API_KEYS_FILE {file}")


def make_key(name: str) -> tuple[str, str]:
    """Makes a random key.

    Returns:
        The key, for the client, and a line for the server's file, which holds only the digest of the key.

    Raises:
        SettingError: the name has characters that the file cannot hold.
    """
    if not re.fullmatch(r"[\w.@-]{1,64}", name):
        raise SettingError(f"A key cannot be named {name!r}: use up to 64 letters, digits and .@_-")
    key = secrets.token_urlsafe(32)
    return key, f"{name} {_HASHED}{hashlib.sha256(key.encode()).hexdigest()}"


def _stamp_of(file: Path) -> tuple[int, int, int]:
    status = file.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino


def _parse(entries: list[str], where: str) -> dict[bytes, str]:
    digests: dict[bytes, str] = {}
    for number, entry in enumerate(entries, 1):
        if not entry.strip():
            continue
        # The message must not repeat the entry: it may be a key.
        try:
            name, key = entry.split()
            if key.startswith(_HASHED):
                digest = bytes.fromhex(key.removeprefix(_HASHED))
            else:
                digest = hashlib.sha256(key.encode()).digest()
            if len(digest) != 32 or len(key) < _SHORTEST:
                raise ValueError
        except ValueError:
            raise SettingError(f"{where}: entry {number} cannot be read; {_HOW}.") from None
        digests[digest] = name
    return digests
