"""How each vendor's API writes a delta and an end, and what reads it beside cleo-tui: curl, and the vendor's SDK."""

import json


def sse(value):
    return f"event: {value['type']}\ndata: {json.dumps(value)}\n\n" if "type" in value else f"data: {json.dumps(value)}\n\n"


class Format:
    """`path`: where requests go; `start`, `delta(text)` and `end`: the stream, as bytes."""

    def __init__(self, name, kind, path, start, delta, end, extra=""):
        self.name, self.kind, self.path, self.extra = name, kind, path, extra
        self.start, self.end = "".join(start).encode(), "".join(end).encode()
        self.delta = lambda text: delta(text).encode()


def chat(delta, finish=None):
    return sse({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def response(status):
    return {"id": "r", "object": "response", "created_at": 1, "status": status, "error": None, "incomplete_details": None,
            "instructions": None, "metadata": {}, "model": "m", "output": [], "parallel_tool_calls": True,
            "temperature": 1, "tool_choice": "auto", "tools": [], "top_p": 1,
            "usage": {"input_tokens": 1, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 1,
                      "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 2}}


def ollama(text, done=False):
    last = {"done_reason": "stop", "prompt_eval_count": 1, "eval_count": 1} if done else {}
    return json.dumps({"model": "m", "created_at": "2026-11-20T21:00:00Z",
                       "message": {"role": "assistant", "content": text}, "done": done, **last}) + "\n"


def gemini(text, finish=None):
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}
    return "data: " + json.dumps({"candidates": [{**candidate, **({"finishReason": finish} if finish else {})}],
                                  "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
                                  "modelVersion": "m", "responseId": "r"}) + "\r\n\r\n"


FORMATS = [
    Format("Anthropic Messages", "anthropic", "/v1/messages",
           [sse({"type": "message_start", "message": {
               "id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
               "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1}}}),
            sse({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})],
           lambda text: sse({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}),
           [sse({"type": "content_block_stop", "index": 0}),
            sse({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                 "usage": {"output_tokens": 1}}), sse({"type": "message_stop"})]),
    Format("OpenAI Chat Completions", "chat", "/v1/chat/completions", [], lambda text: chat({"content": text}),
           [chat({}, "stop"), "data: [DONE]\n\n"], "  additional_config: {api_mode: completions}"),
    Format("OpenAI Responses", "responses", "/v1/responses",
           [sse({"type": "response.created", "sequence_number": 0, "response": response("in_progress")})],
           lambda text: sse({"type": "response.output_text.delta", "sequence_number": 1, "item_id": "i", "output_index": 0,
                             "content_index": 0, "delta": text, "logprobs": []}),
           [sse({"type": "response.completed", "sequence_number": 2, "response": response("completed")})],
           "  additional_config: {api_mode: responses}"),
    Format("Gemini", "gemini", "/v1beta/models/m:streamGenerateContent?alt=sse", [], gemini, [gemini("", "STOP")]),
    Format("Ollama", "ollama", "/api/chat", [], ollama, [ollama("", True)]),
]

#: What cleo-tui's provider files call them, and the base of the address.
KINDS = {"anthropic": ("claude", ""), "chat": ("openai", "/v1"), "responses": ("openai", "/v1"),
         "gemini": ("gemini", ""), "ollama": ("ollama", "")}
