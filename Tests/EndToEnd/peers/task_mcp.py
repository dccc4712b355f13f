"""Tools that run as tasks: task_mcp.py legacy | modern.

legacy: the `mcp` package before 2.0 (2025-11-25, experimental). modern: by hand, the extension
io.modelcontextprotocol/tasks of 2026-07-28, which no package has yet."""

import json
import sys
import threading
import time

NOTE = sys.argv[2]
FORM = {"type": "object", "properties": {"sure": {"type": "boolean"}}, "required": ["sure"]}


def legacy():
    import anyio
    from mcp.server.lowlevel import Server
    from mcp.server.stdio import stdio_server
    from mcp.shared.experimental.tasks.helpers import cancel_task
    from mcp.types import (TASK_REQUIRED, CallToolResult, CancelTaskRequest, CancelTaskResult, TextContent, Tool,
                           ToolExecution)

    server = Server("tasks")
    support = server.experimental.enable_tasks()

    @server.experimental.cancel_task()
    async def cancel(request: CancelTaskRequest) -> CancelTaskResult:
        with open(NOTE, "a") as file:
            file.write("cancelled\n")
        return await cancel_task(support.store, request.params.taskId)

    @server.list_tools()
    async def list_tools():
        return [Tool(name=name, description=name, inputSchema={"type": "object"},
                     execution=ToolExecution(taskSupport=TASK_REQUIRED)) for name in ("build", "deploy", "endless")]

    @server.call_tool()
    async def call(name, arguments):
        async def work(task):
            await task.update_status("half done")
            if name == "endless":
                await anyio.sleep(60)
            if name == "deploy":
                said = await task.elicit(message="Are you sure?", requestedSchema=FORM)
                return CallToolResult(content=[TextContent(type="text", text=f"{said.action} {said.content}")])
            await anyio.sleep(1.5)
            return CallToolResult(content=[TextContent(type="text", text="built")])

        return await server.request_context.experimental.run_task(work)

    async def main():
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    anyio.run(main)


def modern():
    tasks, lock = {}, threading.Lock()

    def send(message):
        with lock:
            sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            sys.stdout.flush()

    def answer(number, result):
        send({"id": number, "result": {"resultType": "complete", **result}})

    def text(words):
        return {"content": [{"type": "text", "text": words}]}

    for line in sys.stdin:
        message = json.loads(line)
        method, params, number = message["method"], message.get("params") or {}, message.get("id")
        if method == "server/discover":
            answer(number, {"supportedVersions": ["2026-07-28"], "capabilities": {
                "tools": {}, "extensions": {"io.modelcontextprotocol/tasks": {}}},
                "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "tasks", "version": "1"}}})
        elif method == "tools/list":
            answer(number, {"tools": [{"name": n, "inputSchema": {"type": "object"}}
                                      for n in ("build", "deploy", "endless", "broken")]})
        elif method == "tools/call":
            meta = params["_meta"]["io.modelcontextprotocol/clientCapabilities"]
            assert "io.modelcontextprotocol/tasks" in meta["extensions"]
            task = f"task-{number}"
            tasks[task] = {"tool": params["name"], "end": time.monotonic() + 0.4, "answer": None}
            answer(number, {"resultType": "task", "taskId": task, "status": "working", "pollIntervalMs": 100})
        elif method == "tasks/get":
            task = tasks[params["taskId"]]
            state = {"taskId": params["taskId"], "status": "working", "statusMessage": "half done",
                     "pollIntervalMs": 100}
            if task["tool"] == "deploy" and task["answer"] is None:
                state |= {"status": "input_required", "inputRequests": {"q": {
                    "method": "elicitation/create", "params": {"message": "Are you sure?", "requestedSchema": FORM}}}}
            elif task["tool"] == "deploy":
                said = task["answer"]["q"]
                state |= {"status": "completed", "result": text(f"{said['action']} {said.get('content')}")}
            elif task["tool"] == "broken":
                state |= {"status": "failed", "error": {"code": -32603, "message": "the disk is full"}}
            elif task["tool"] == "build" and time.monotonic() > task["end"]:
                state |= {"status": "completed", "result": text("built")}
            answer(number, state)
        elif method == "tasks/update":
            tasks[params["taskId"]]["answer"] = params["inputResponses"]
            answer(number, {})
        elif method == "tasks/cancel":
            with open(NOTE, "a") as file:
                file.write("cancelled\n")
            answer(number, {})
        elif number is not None:
            send({"id": number, "error": {"code": -32601, "message": "no"}})


{"legacy": legacy, "modern": modern}[sys.argv[1]]()
