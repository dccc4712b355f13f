"""A server of the `mcp` package that checks JSON Web Tokens: jwt_mcp.py PORT KEY."""

import sys

import jwt
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from pydantic import AnyHttpUrl

port, key = int(sys.argv[1]), sys.argv[2]


class Verifier:
    async def verify_token(self, token):
        try:
            claims = jwt.decode(token, key, algorithms=["HS256"], audience="lab")
        except jwt.PyJWTError:
            return None
        return AccessToken(token=token, client_id=claims["sub"], scopes=[], expires_at=claims["exp"])


server = MCPServer("jwt-lab", token_verifier=Verifier(), auth=AuthSettings(
    issuer_url=AnyHttpUrl("http://127.0.0.1:1"), resource_server_url=AnyHttpUrl(f"http://127.0.0.1:{port}/mcp")))


@server.tool()
def whoami() -> str:
    """Says who asks."""
    return get_access_token().client_id


server.run("streamable-http", port=port)
