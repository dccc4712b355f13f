"""A server of the `fastmcp` package: fast_mcp.py stdio | http PORT."""

import sys

from fastmcp import Context, FastMCP

server = FastMCP("fast", instructions="Another implementation.")


@server.tool(annotations={"readOnlyHint": True})
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


@server.tool
def fail(why: str) -> str:
    """Fails."""
    raise ValueError(why)


@server.tool
async def count(n: int, ctx: Context) -> str:
    """Says how far it is."""
    for step in range(n):
        await ctx.report_progress(step + 1, n, f"step {step + 1}")
    return f"counted to {n}"


@server.resource("fast://motto")
def motto() -> str:
    return "fast is fine, accuracy is final"


@server.prompt
def greet(who: str) -> str:
    """Greets."""
    return f"Greet {who}."


if sys.argv[1] == "stdio":
    server.run(show_banner=False)
else:
    server.run(transport="http", host="127.0.0.1", port=int(sys.argv[2]), show_banner=False)
