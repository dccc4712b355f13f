"""The vendors' own SDKs read our fakes and check our requests.

usage: sdk_judge.py answers PORT     what each SDK makes of each fixture, as JSON
       sdk_judge.py requests FOLDER  what each SDK's types say of each request that we send, as JSON
"""

import json
import pathlib
import sys

PNG = "iVBORw0KGgo="
MESSAGE = [{"role": "user", "content": "hi"}]


def record(results, name, ask):
    try:
        results[name] = ask()
    except Exception as error:  # The SDK's own error is a verdict, too.
        results[name] = {"error": f"{type(error).__name__}: {error}"[:300]}


def anthropic_answers(base, results):
    import anthropic

    client = anthropic.Anthropic(api_key="k", base_url=base, max_retries=0)

    def ask(name):
        with client.messages.stream(model=f"m@{name}", max_tokens=64, messages=MESSAGE) as stream:
            message = stream.get_final_message()
        usage = message.usage
        return {
            "text": "".join(block.text for block in message.content if block.type == "text"),
            "reasoning": "".join(block.thinking for block in message.content if block.type == "thinking"),
            "calls": [[block.id, block.name, block.input] for block in message.content if block.type == "tool_use"],
            "usage": [usage.input_tokens, usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0,
                      usage.output_tokens],
        }

    def whole(name):
        message = client.messages.create(model=f"m@{name}", max_tokens=64, messages=MESSAGE)
        return {
            "text": "".join(block.text for block in message.content if block.type == "text"),
            "calls": [[block.id, block.name, block.input] for block in message.content if block.type == "tool_use"],
        }

    for name in ["anthropic-text", "anthropic-thinking-tools", "anthropic-all-events", "anthropic-refusal",
                 "anthropic-midstream-error", "anthropic-error-429"]:
        record(results, name, lambda: ask(name))
    record(results, "anthropic-whole", lambda: whole("anthropic-whole"))


def chat_answers(base, results):
    import openai

    client = openai.OpenAI(api_key="k", base_url=base + "/v1", max_retries=0)

    def ask(name):
        text, reasoning, calls, usage = "", "", {}, None
        chunks = client.chat.completions.create(
            model=f"m@{name}", messages=MESSAGE, stream=True, stream_options={"include_usage": True})
        for chunk in chunks:
            if chunk.usage:
                usage = chunk.usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
                text += choice.delta.refusal or ""
                extra = choice.delta.model_extra or {}
                reasoning += extra.get("reasoning") or extra.get("reasoning_content") or ""
                for part in choice.delta.tool_calls or []:
                    call = calls.setdefault(part.index, ["", "", ""])
                    call[0] = call[0] or part.id
                    call[1] = call[1] or part.function.name
                    call[2] += part.function.arguments or ""
        cached = usage.prompt_tokens_details.cached_tokens or 0 if usage.prompt_tokens_details else 0
        return {
            "text": text, "reasoning": reasoning,
            "calls": [[call[0], call[1], json.loads(call[2] or "{}")] for _, call in sorted(calls.items())],
            "usage": [usage.prompt_tokens - cached, cached, 0, usage.completion_tokens],
        }

    def whole(name):
        message = client.chat.completions.create(model=f"m@{name}", messages=MESSAGE).choices[0].message
        return {
            "text": message.content,
            "calls": [[call.id, call.function.name, json.loads(call.function.arguments)] for call in message.tool_calls],
        }

    for name in ["openai-chat-text", "openai-chat-tools", "openai-chat-refusal-length",
                 "openai-compatible-reasoning-openrouter", "openai-chat-midstream-error"]:
        record(results, name, lambda: ask(name))
    record(results, "openai-chat-whole", lambda: whole("openai-chat-whole"))


def responses_answers(base, results):
    import openai

    client = openai.OpenAI(api_key="k", base_url=base + "/v1", max_retries=0)

    def read(response):
        usage = response.usage
        texts, calls, reasoning = "", [], []
        for item in response.output:
            if item.type == "message":
                texts += "".join(getattr(part, "text", "") or getattr(part, "refusal", "") for part in item.content)
            elif item.type == "function_call":
                calls.append([item.call_id, item.name, json.loads(item.arguments)])
            elif item.type == "reasoning":
                reasoning += [part.text for part in item.summary]
        cached, written = usage.input_tokens_details.cached_tokens, getattr(
            usage.input_tokens_details, "cache_write_tokens", 0) or 0
        return {
            "text": texts, "calls": calls,
            "usage": [usage.input_tokens - cached - written, cached, written, usage.output_tokens],
        }

    def ask(name):
        last, types = None, []
        for event in client.responses.create(model=f"m@{name}", input="hi", stream=True, store=False):
            types.append(event.type)
            last = event
        if last.type != "response.completed":
            return {"end": last.type}
        return {**read(last.response), "types": len(set(types))}

    for name in ["openai-responses-reasoning-tool", "openai-responses-all-events", "openai-responses-incomplete",
                 "openai-responses-failed"]:
        record(results, name, lambda: ask(name))
    record(results, "openai-responses-whole",
           lambda: read(client.responses.create(model="m@openai-responses-whole", input="hi")))


def gemini_answers(base, results):
    from google import genai
    from google.genai import types

    client = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=base))

    def read(chunks):
        text, reasoning, calls, usage = "", "", [], None
        for chunk in chunks:
            usage = chunk.usage_metadata or usage
            for candidate in chunk.candidates or []:
                for part in (candidate.content and candidate.content.parts) or []:
                    if part.function_call:
                        calls.append([part.function_call.id or "", part.function_call.name, part.function_call.args])
                    elif part.text and part.thought:
                        reasoning += part.text
                    elif part.text:
                        text += part.text
        cached = usage.cached_content_token_count or 0
        return {
            "text": text, "reasoning": reasoning, "calls": calls,
            "usage": [(usage.prompt_token_count or 0) + (usage.tool_use_prompt_token_count or 0) - cached, cached, 0,
                      (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)],
        }

    for name in ["gemini-text", "gemini-thinking-tools", "gemini-all-parts", "gemini-safety", "gemini-blocked",
                 "gemini-error-429"]:
        record(results, name, lambda: read(client.models.generate_content_stream(model=f"m@{name}", contents="hi")))
    record(results, "gemini-whole", lambda: read([client.models.generate_content(model="m@gemini-whole", contents="hi")]))


def ollama_answers(base, results):
    import ollama

    client = ollama.Client(host=base)

    def read(chunks):
        text, reasoning, calls, last = "", "", [], None
        for chunk in chunks:
            text += chunk.message.content or ""
            reasoning += chunk.message.thinking or ""
            calls += [["", call.function.name, dict(call.function.arguments)] for call in chunk.message.tool_calls or []]
            last = chunk
        return {"text": text, "reasoning": reasoning, "calls": calls,
                "usage": [last.prompt_eval_count, 0, 0, last.eval_count]}

    for name in ["ollama-chat-text", "ollama-chat-thinking-tools", "ollama-length", "ollama-midstream-error"]:
        record(results, name, lambda: read(client.chat(model=f"m@{name}", messages=MESSAGE, stream=True)))
    record(results, "ollama-whole", lambda: read([client.chat(model="m@ollama-whole", messages=MESSAGE)]))


def close_shapes(package):
    """Makes every dictionary of an SDK closed, so that a field that it does not know is an error."""
    import pydantic
    import typing_extensions

    for name, module in list(sys.modules.items()):
        if name.startswith(package):
            for value in vars(module).values():
                if typing_extensions.is_typeddict(value):
                    value.__pydantic_config__ = pydantic.ConfigDict(extra="forbid", arbitrary_types_allowed=True)


def validate(kind, body):
    """Pydantic reads what may be iterated only when somebody does."""
    import pydantic

    def walk(value):
        if isinstance(value, dict):
            for item in value.values():
                walk(item)
        elif not isinstance(value, (str, bytes)) and hasattr(value, "__iter__"):
            for item in value:
                walk(item)

    adapter = pydantic.TypeAdapter(kind)
    walk(adapter.validate_python(body))


def judge_requests(folder, results):
    import anthropic.types as a
    import ollama._types as o
    import openai.types.chat as c
    import openai.types.responses as r
    import pydantic
    from google.genai import types as g

    close_shapes("anthropic")
    close_shapes("openai")

    def load(name):
        return json.loads((folder / f"{name}.json").read_text())

    def check(name, ask):
        try:
            ask(load(name))
            results[name] = "ok"
        except pydantic.ValidationError as error:
            results[name] = "\n".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:8])

    def gemini(body):
        for content in body.pop("contents"):
            g.Content.model_validate(content)
        for tool in body.pop("tools", []):
            g.Tool.model_validate(tool)
        for key, kind in (("systemInstruction", g.Content), ("toolConfig", g.ToolConfig),
                          ("generationConfig", g.GenerationConfig)):
            if key in body:
                kind.model_validate(body.pop(key))
        assert not body, body

    def anthropic_body(body):
        validate(a.message_create_params.MessageCreateParamsStreaming, {"stream": True, **body})

    def chat(body):
        validate(c.completion_create_params.CompletionCreateParamsStreaming, body)

    def responses(body):
        validate(r.response_create_params.ResponseCreateParamsStreaming, body)

    def older(body):
        # Version 2023-06-01 takes these; this SDK speaks the next one.
        for name in ("temperature", "top_p", "top_k"):
            body.pop(name)
        anthropic_body(body)

    check("anthropic", older)
    check("anthropic-2026-10-21", anthropic_body)
    for name in ("bedrock", "vertex-anthropic"):
        # The model stands in the address, the version in the body.
        def hosted(body):
            assert body.pop("anthropic_version")
            older({"model": "m", **body})

        check(name, hosted)
    for ending in ("schema", "required"):
        check(f"anthropic-{ending}", anthropic_body)
        check(f"openai-chat-{ending}", chat)
        check(f"openai-responses-{ending}", responses)
        check(f"gemini-{ending}", gemini)
        check(f"ollama-{ending}", o.ChatRequest.model_validate)
    check("openai-chat", chat)
    check("openai-responses", responses)
    check("gemini", gemini)
    check("ollama", o.ChatRequest.model_validate)


if __name__ == "__main__":
    found = {}
    if sys.argv[1] == "requests":
        judge_requests(pathlib.Path(sys.argv[2]), found)
    else:
        address = f"http://127.0.0.1:{sys.argv[2]}"
        for answers in (anthropic_answers, chat_answers, responses_answers, gemini_answers, ollama_answers):
            answers(address, found)
    print(json.dumps(found, ensure_ascii=False, indent=1))
