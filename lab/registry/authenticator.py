# SPDX-License-Identifier: GPL-3.0-or-later
"""How the simulated registry authenticates clients: by a password, or by a token issued with or without one."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs


@dataclass
class Authenticator:
    """Which clients may read: scheme is "", "basic" or "bearer"; anonymous gives a token to every client."""

    scheme: str = ""
    users: Mapping[str, str] = field(default_factory=dict)
    anonymous: bool = True
    realm: str = ""
    tokens: set[str] = field(default_factory=set)

    def challenge(self, origin: str, repository: str) -> str:
        if self.scheme == "basic":
            return 'Basic realm="simulated"'
        realm = self.realm or f"{origin}/token"
        return f'Bearer realm="{realm}",service="simulated",scope="repository:{repository}:pull"'

    def allows(self, authorization: str, repository: str) -> bool:
        if not self.scheme:
            return True
        if self.scheme == "basic":
            return self._is_user(authorization)
        return authorization.removeprefix("Bearer ") in {
            token for token in self.tokens if token.endswith(f".{scope(repository)}")
        }

    def token(self, authorization: str, query: str) -> str | None:
        """Return a token for the requested scope if the client may have one."""
        if not (self._is_user(authorization) if authorization else self.anonymous):
            return None
        asked = parse_qs(query).get("scope", [""])[0].split(":")
        token = f"{secrets.token_hex(8)}.{scope(asked[1] if len(asked) == 3 else '')}"
        self.tokens.add(token)
        return token

    def _is_user(self, authorization: str) -> bool:
        try:
            user, _colon, password = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        except ValueError:
            return False
        return user in self.users and self.users[user] == password


def scope(repository: str) -> str:
    return repository.encode().hex()
