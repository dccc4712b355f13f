"""A server of the `mcp` package that gives its own tokens, to whoever comes: oauth_mcp.py PORT SECONDS, where tokens
live for so many seconds."""

import secrets
import sys
import time

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import (
    AccessToken, AuthorizationCode, OAuthAuthorizationServerProvider, RefreshToken, construct_redirect_uri)
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthToken
from pydantic import AnyHttpUrl

port, life = int(sys.argv[1]), int(sys.argv[2])
base = f"http://127.0.0.1:{port}"


class Tokens(OAuthAuthorizationServerProvider):
    def __init__(self):
        self.clients, self.codes, self.access, self.refresh = {}, {}, {}, {}

    async def get_client(self, client_id):
        return self.clients.get(client_id)

    async def register_client(self, client_info):
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client, params):
        code = AuthorizationCode(
            code="code_" + secrets.token_hex(8), client_id=client.client_id, scopes=params.scopes or ["mcp"],
            expires_at=time.time() + 300, code_challenge=params.code_challenge, redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly, resource=params.resource)
        self.codes[code.code] = code
        return construct_redirect_uri(str(params.redirect_uri), code=code.code, state=params.state)

    async def load_authorization_code(self, client, authorization_code):
        return self.codes.get(authorization_code)

    def mint(self, client_id, scopes, resource):
        access, refresh = "at_" + secrets.token_hex(8), "rt_" + secrets.token_hex(8)
        self.access[access] = AccessToken(
            token=access, client_id=client_id, scopes=scopes, expires_at=int(time.time()) + life, resource=resource)
        self.refresh[refresh] = RefreshToken(token=refresh, client_id=client_id, scopes=scopes)
        # It says nothing of when the token ends: the client finds out.
        return OAuthToken(access_token=access, token_type="Bearer", scope=" ".join(scopes), refresh_token=refresh)

    async def exchange_authorization_code(self, client, authorization_code):
        del self.codes[authorization_code.code]
        return self.mint(client.client_id, authorization_code.scopes, authorization_code.resource)

    async def load_access_token(self, token):
        found = self.access.get(token)
        return found if found and found.expires_at > time.time() else None

    async def load_refresh_token(self, client, refresh_token):
        return self.refresh.get(refresh_token)

    async def exchange_refresh_token(self, client, refresh_token, scopes):
        del self.refresh[refresh_token.token]
        return self.mint(client.client_id, scopes or refresh_token.scopes, base + "/mcp")

    async def revoke_token(self, token):
        self.access.pop(token.token, None)


server = MCPServer("oauth-lab", auth_server_provider=Tokens(), auth=AuthSettings(
    issuer_url=AnyHttpUrl(base), resource_server_url=AnyHttpUrl(base + "/mcp"), required_scopes=["mcp"],
    client_registration_options=ClientRegistrationOptions(enabled=True, valid_scopes=["mcp"], default_scopes=["mcp"])))


@server.tool()
def whoami() -> dict[str, str]:
    """Says with which token one asks."""
    token = get_access_token()
    return {"token": token.token[-4:]}


server.run("streamable-http", port=port)
