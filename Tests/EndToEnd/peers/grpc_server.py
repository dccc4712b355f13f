"""A gRPC tool server: grpc_server.py PORT [CERTIFICATE KEY [CLIENT_CA]]. It does what the tool's name says."""

import json
import pathlib
import sys
import tempfile
import time
from concurrent import futures

import grpc
from grpc_tools import protoc

HERE = pathlib.Path(__file__).parent
made = tempfile.mkdtemp()
protoc.main(["protoc", f"-I{HERE}", f"--python_out={made}", f"--grpc_python_out={made}", str(HERE / "tools.proto")])
sys.path.insert(0, made)
import tools_pb2 as pb  # noqa: E402
import tools_pb2_grpc as service  # noqa: E402

attempts = {}


class Tools(service.ToolServiceServicer):
    def ListTools(self, request, context):
        schema = json.dumps({"type": "object", "properties": {"text": {"type": "string"}}})
        return pb.ListToolsResponse(tools=[
            pb.ToolInfo(name="echo", description="says it again", input_schema=schema),
            pb.ToolInfo(name="free", description="takes anything", input_schema="not a schema")])

    def Execute(self, request, context):
        arguments = json.loads(request.arguments_json)
        tool = request.tool_name
        attempts[tool] = attempts.get(tool, 0) + 1
        if tool == "hang":
            time.sleep(5)
        elif tool.startswith("status_"):
            code = grpc.StatusCode[tool.removeprefix("status_").upper()]
            context.abort(code, "ça n'est pas là: 100 %")
        elif tool.startswith("flaky_"):
            if attempts[tool] < 3:
                context.abort(grpc.StatusCode[tool.removeprefix("flaky_").upper()], "not yet")
        elif tool == "wrong":
            return pb.ToolResponse(is_error=True, error_message="the order is lost")
        elif tool == "huge":
            return pb.ToolResponse(result_json=json.dumps("x" * (5 << 20)))
        elif tool == "words":
            return pb.ToolResponse(result_json='"just words"', later=7)
        said = {"arguments": arguments, "attempt": attempts[tool], "tool": tool,
                "metadata": {k: v for k, v in context.invocation_metadata()},
                "seconds": round(context.time_remaining() or 0, 1)}
        return pb.ToolResponse(result_json=json.dumps(said))


server = grpc.server(futures.ThreadPoolExecutor(32), options=[("grpc.max_send_message_length", 64 << 20)])
service.add_ToolServiceServicer_to_server(Tools(), server)
address = f"127.0.0.1:{sys.argv[1]}"
if len(sys.argv) > 2:
    certificate, key = (pathlib.Path(name).read_bytes() for name in sys.argv[2:4])
    clients = pathlib.Path(sys.argv[4]).read_bytes() if len(sys.argv) > 4 else None
    server.add_secure_port(address, grpc.ssl_server_credentials(
        [(key, certificate)], clients, require_client_auth=clients is not None))
else:
    server.add_insecure_port(address)
server.start()
server.wait_for_termination()
