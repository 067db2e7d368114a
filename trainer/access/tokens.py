"""Tokens and codes: 256 random bits for programs, 40 for a code that a person types once.

Only the SHA-256 is stored: who reads the database cannot speak for anybody. (A slow password hash guards
secrets that people choose; these are drawn by the machine.)
"""

import hashlib
import secrets

_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # without what looks alike: 0 O, 1 I
_GROUP = 4


def new_token(prefix: str) -> str:
    """Return ``PREFIX_`` and 43 characters of randomness."""
    return f"{prefix}_{secrets.token_urlsafe(32)}"


def new_code() -> str:
    """Return a code such as ``K7QM-2XWD``."""
    letters = "".join(secrets.choice(_LETTERS) for _ in range(2 * _GROUP))
    return f"{letters[:_GROUP]}-{letters[_GROUP:]}"


def hashed(secret: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(secret.encode()).hexdigest()


def hashed_code(code: str) -> str:
    """Return what is stored of a code: small letters and missing dashes are forgiven."""
    return hashed("".join(letter for letter in code.upper() if letter.isalnum()))
