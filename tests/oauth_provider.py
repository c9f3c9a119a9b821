"""An authorization server for tests, on oauthlib: PKCE, refresh tokens that are good once, tokens of any life."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from oauthlib.oauth2 import RequestValidator, Server

from tests.peers import Answer, as_json, echo


class Provider(RequestValidator):  # type: ignore[misc]
    """Knows one client, `we`, and one person, who agrees to everything. Its other paths want a token, and tell all."""

    def __init__(self, secret: str) -> None:
        self.seconds = 3_600
        self.count = 0
        self.codes: dict[str, dict[str, Any]] = {}
        self.refresh = ""
        self.revoked: set[str] = set()
        self._secret = secret
        self._server = Server(
            self,
            token_expires_in=lambda _request: self.seconds,
            token_generator=self._access_token,
            refresh_token_generator=self._refresh_token,
        )

    def _access_token(self, _request: Any, refresh_token: bool = False) -> str:
        self.count += 1
        return f"access-{self.count}-of-the-provider"

    def _refresh_token(self, _request: Any) -> str:
        self.refresh = f"refresh-{self.count}-of-the-provider"
        return self.refresh

    def agree(self, url: str) -> dict[str, str]:
        """What a browser does that was sent to a consent, and whose person agrees: what it comes back with."""
        scopes, credentials = self._server.validate_authorization_request(url, "GET", None, {})
        headers, _, status = self._server.create_authorization_response(url, "GET", None, {}, scopes, credentials)
        assert status == 302
        return {name: values[0] for name, values in parse_qs(urlsplit(headers["Location"]).query).items()}

    def __call__(self, request: dict[str, Any]) -> Answer:
        if request["path"] == "/token":
            return self._token(request)
        token = request["headers"].get("authorization", "").removeprefix("Bearer ")
        if token in self.revoked or not token.startswith("access-"):
            return as_json({"error": "invalid_token"}, 401)
        return echo(request)

    def _token(self, request: dict[str, Any]) -> Answer:
        form = {name: values[0] for name, values in parse_qs(request["body"].decode()).items()}
        url = f"https://provider.example{request['path']}"  # oauthlib insists on TLS, which the test's network has not
        headers, body, status = self._server.create_token_response(url, "POST", urlencode(form), request["headers"])
        return status, {"content-type": "application/json", **headers}, body.encode()

    # -- what oauthlib asks ------------------------------------------------------------------------------------

    def authenticate_client(self, request: Any, *_: Any, **__: Any) -> bool:
        """By the form, or by basic authentication."""
        given = request.client_id, request.client_secret
        basic = request.headers.get("authorization", "")
        if basic.startswith("Basic "):
            import base64
            from urllib.parse import unquote_plus

            name, _, secret = base64.b64decode(basic[6:]).decode().partition(":")
            given = unquote_plus(name), unquote_plus(secret)
        request.client = type("Client", (), {"client_id": given[0]})()
        return given == ("we", self._secret)

    def validate_client_id(self, client_id: str, *_: Any, **__: Any) -> bool:
        return client_id == "we"

    def validate_redirect_uri(self, client_id: str, redirect_uri: str, *_: Any, **__: Any) -> bool:
        return redirect_uri.endswith("/api/oauth/callback")

    def validate_response_type(self, *_: Any, **__: Any) -> bool:
        return True

    def validate_scopes(self, client_id: str, scopes: list[str], *_: Any, **__: Any) -> bool:
        return True

    def get_default_scopes(self, *_: Any, **__: Any) -> list[str]:
        return ["all"]

    def is_pkce_required(self, client_id: str, request: Any) -> bool:
        return True

    def save_authorization_code(self, client_id: str, code: dict[str, str], request: Any, *_: Any, **__: Any) -> None:
        kept = {"challenge": request.code_challenge, "method": request.code_challenge_method}
        self.codes[code["code"]] = {**kept, "redirect_uri": request.redirect_uri, "scopes": request.scopes}

    def validate_code(self, client_id: str, code: str, client: Any, request: Any, *_: Any, **__: Any) -> bool:
        found = self.codes.get(code)
        request.user, request.scopes = "ann", found["scopes"] if found else []
        return found is not None

    def get_code_challenge(self, code: str, request: Any) -> str:
        return str(self.codes[code]["challenge"])

    def get_code_challenge_method(self, code: str, request: Any) -> str:
        return str(self.codes[code]["method"])

    def confirm_redirect_uri(self, client_id: str, code: str, redirect_uri: str, *_: Any, **__: Any) -> bool:
        return bool(self.codes[code]["redirect_uri"] == redirect_uri)

    def invalidate_authorization_code(self, client_id: str, code: str, *_: Any, **__: Any) -> None:
        del self.codes[code]

    def validate_grant_type(self, *_: Any, **__: Any) -> bool:
        return True

    def save_bearer_token(self, *_: Any, **__: Any) -> None:
        """It knows its tokens by their names."""

    def validate_refresh_token(self, refresh_token: str, client: Any, request: Any, *_: Any, **__: Any) -> bool:
        request.user = "ann"
        return refresh_token == self.refresh

    def get_original_scopes(self, *_: Any, **__: Any) -> list[str]:
        return ["all"]

    def rotate_refresh_token(self, request: Any) -> bool:
        return True
