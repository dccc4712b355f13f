"""A server of the `mcp` package, of either era: over stdio, or over Streamable HTTP on a port."""

import asyncio
import sys

from mcp.types import ToolAnnotations

try:
    from mcp.server import MCPServer
    from mcp.server.mcpserver import Context

    server = MCPServer("real", version="1")
    read_only = ToolAnnotations(read_only_hint=True)
except ImportError:  # before 2.0
    from mcp.server.fastmcp import Context, FastMCP

    server = FastMCP("real", host="127.0.0.1", port=int(sys.argv[2]) if sys.argv[1] == "http" else 0)
    read_only = ToolAnnotations(readOnlyHint=True)
    MCPServer = None


@server.tool(annotations=read_only)
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool()
def write(text: str) -> str:
    """Changes something."""
    return f"wrote {text}"


@server.tool(annotations=read_only)
def fail(why: str) -> str:
    """Fails."""
    raise ValueError(why)


@server.tool(annotations=read_only)
async def slow(steps: int, ctx: Context) -> str:
    """Takes its time and says how far it is."""
    try:
        for step in range(steps):
            await ctx.report_progress(step + 1, steps, f"step {step + 1}")
            await asyncio.sleep(0.1)
    except asyncio.CancelledError:
        with open(sys.argv[-1], "a") as file:
            file.write("cancelled\n")
        raise
    return "done"


print("real server begins", file=sys.stderr)
if sys.argv[1] == "stdio":
    server.run("stdio")
elif MCPServer:
    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
else:
    server.run("streamable-http")
