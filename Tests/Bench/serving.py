"""Conversations with a tool call through `serve`, beside the same service in Python. Part of `make bench`."""

import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PYTHON = ROOT / ".build/venv-langchain/bin/python"
PACK = {
    "id": "bench", "name": "Bench", "version": "1.0.0", "template_engine": {"version": "v1", "syntax": "{{variable}}"},
    "prompts": {"main": {"id": "main", "name": "Main", "version": "1.0.0", "tools": ["weather"],
                         "system_template": "You answer questions about the weather."}},
    "tools": {"weather": {"name": "weather", "description": "The weather of a city.", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}}


class Running:
    """A program that says its port in its first line that ends with one."""

    def __init__(self, arguments, folder, env=None):
        self.process = subprocess.Popen(
            [str(each) for each in arguments], cwd=folder, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        while True:
            line = self.process.stdout.readline()
            assert line, f"{arguments} ended"
            words = line.split("/v1/")[0].strip().rsplit(":", 1)[-1]
            if words.isdigit():
                self.port = int(words)
                break

    @property
    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def peak(self):
        """MiB of resident memory, at most."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def close(self):
        self.process.kill()
        self.process.wait()


def cleo(program, folder, upstream, environment):
    (folder / "prompts").mkdir(parents=True, exist_ok=True)
    (folder / "providers").mkdir(exist_ok=True)
    (folder / "prompts/bench.pack.json").write_text(json.dumps(PACK))
    (folder / "providers/bench.yaml").write_text(
        f"kind: Provider\nspec:\n  type: openai\n  model: m\n  base_url: http://127.0.0.1:{upstream}/v1\n"
        "  credential: {credential_env: BENCH_KEY}\n")
    (folder / "cleo.yaml").write_text("provider: bench\n")
    (folder / "tools.yaml").write_text(
        "handlers:\n  - name: weather\n    type: http\n"
        "    tool: {name: weather, description: The weather of a city., inputSchema: {type: object, "
        "properties: {city: {type: string}}, required: [city]}}\n"
        f"    httpConfig: {{endpoint: 'http://127.0.0.1:{upstream}/weather', method: POST}}\n")
    return Running([program, "serve", "--listen", "127.0.0.1:0", "--yes"], folder, {**environment, "BENCH_KEY": "x"})


def percentile(values, share):
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else float("nan")


def measure(service, people, questions, pause):
    before = service.cpu
    result = subprocess.run(
        [str(PYTHON), HERE / "Serving/load.py", str(service.port), str(people), str(questions), str(pause)],
        stdout=subprocess.PIPE, text=True, check=True)
    seen = json.loads(result.stdout)
    return {
        "errors": seen["errors"], "example": seen["example"], "rate": seen["answers"] / seen["seconds"],
        "p50": percentile(seen["firsts"], 0.5) * 1000, "p99": percentile(seen["firsts"], 0.99) * 1000,
        "cpu": (service.cpu - before) / max(seen["answers"], 1) * 1000, "peak": service.peak}


def services(program, folder, upstream, environment):
    yield "cleo-tui serve", cleo(program, folder / "serve", upstream, environment)
    yield "asyncio and aiohttp", Running([PYTHON, HERE / "Serving/plain.py", upstream], folder)
    yield "LangChain", Running([PYTHON, HERE / "Serving/chain.py", upstream], folder)


# Seconds between an answer and the next question, on average, and how many questions each person asks.
PACES = {"at a person's pace": (5, 2), "without a pause": (0, 3)}


def serving(program, folder, environment, quick):
    """Rows of Markdown."""
    upstream = Running([PYTHON, HERE / "Serving/upstream.py"], folder)
    counts = (10, 100) if quick else (10, 100, 500, 1000)
    try:
        for name, service in services(program, folder, upstream.port, environment):
            try:
                measure(service, 10, 2, 0)
                for pace, (pause, questions) in PACES.items():
                    for people in counts:
                        seen = measure(service, people, questions, pause)
                        yield (f"| {pace} | {people:,} | {name} | {seen['errors']} | {seen['rate']:.0f} | {seen['p50']:.0f} | "
                               f"{seen['p99']:.0f} | {seen['cpu']:.1f} | {seen['peak']:.0f} |")
            finally:
                service.close()
    finally:
        upstream.close()


HEAD = ("| pace | conversations at once | service | errors | answers/s | first byte p50 ms | p99 | CPU ms per answer | "
        "peak MiB |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
