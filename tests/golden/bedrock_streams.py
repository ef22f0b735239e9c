"""Writes tests/fixtures/providers/bedrock/*.bin: streams as Bedrock's ConverseStream sends them.

Run by hand when a stream is added; the results are committed.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install botocore==1.44.5
    /tmp/golden/bin/python tests/golden/bedrock_streams.py

botocore only reads such streams, so the messages are put together here, by the documentation of
the format, and botocore's parser has to make of every stream what it was made from. Streams that
are damaged on purpose are cut or changed after that.
"""

import binascii
import json
import pathlib
import struct

import botocore
from botocore.eventstream import EventStreamBuffer
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import EventStreamJSONParser

PIN = "1.44.5"
SHAPE = ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2")).shape_for(
    "ConverseStreamOutput"
)
FOLDER = pathlib.Path(__file__).resolve().parents[1] / "fixtures/providers/bedrock"


def header(name, value):
    name, value = name.encode(), value.encode()
    return struct.pack(">B", len(name)) + name + struct.pack(">BH", 7, len(value)) + value


def message(headers, payload):
    heads = b"".join(header(name, value) for name, value in headers.items())
    prelude = struct.pack(">II", 16 + len(heads) + len(payload), len(heads))
    start = prelude + struct.pack(">I", binascii.crc32(prelude)) + heads + payload
    return start + struct.pack(">I", binascii.crc32(start))


def event(kind, payload, message_type="event"):
    headers = {
        f":{message_type}-type": kind,
        ":content-type": "application/json",
        ":message-type": message_type,
    }
    # The padding that the service adds; it means nothing.
    body = {**payload, "p": "abcdefghij"} if message_type == "event" else payload
    return message(headers, json.dumps(body, ensure_ascii=False).encode())


def text(piece, index=0):
    return event("contentBlockDelta", {"contentBlockIndex": index, "delta": {"text": piece}})


def stop(reason):
    return event("messageStop", {"stopReason": reason})


def usage(**counts):
    return event("metadata", {"usage": counts, "metrics": {"latencyMs": 7}})


def end(index=0):
    return event("contentBlockStop", {"contentBlockIndex": index})


def thought(delta):
    delta = {"reasoningContent": delta}
    return event("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta})


def call(index, name, pieces):
    start = {"toolUse": {"toolUseId": f"tooluse_{index}", "name": name}}
    yield event("contentBlockStart", {"contentBlockIndex": index, "start": start})
    for piece in pieces:
        delta = {"toolUse": {"input": piece}}
        yield event("contentBlockDelta", {"contentBlockIndex": index, "delta": delta})
    yield end(index)


BEGIN = event("messageStart", {"role": "assistant"})
COUNTS = usage(inputTokens=12, outputTokens=5, totalTokens=17)
CACHED = usage(
    inputTokens=3,
    outputTokens=40,
    totalTokens=1043,
    cacheReadInputTokens=800,
    cacheWriteInputTokens=200,
)
PLAIN = [BEGIN, text("Tour "), text("Eiffel, 1889 \u20ac\U0001f980"), end(), stop("end_turn"), COUNTS]
STREAMS = {
    "stream": PLAIN,
    "stream-cached": [BEGIN, text("Hi"), end(), stop("stop_sequence"), CACHED],
    "stream-reasoning": [
        BEGIN,
        thought({"text": "Let me "}),
        thought({"text": "think."}),
        thought({"signature": "c2ln"}),
        end(),
        text("42", 1),
        end(1),
        stop("end_turn"),
        COUNTS,
    ],
    "stream-tool-call": [
        BEGIN,
        text("I look. "),
        end(),
        *call(1, "weather", ['{"city"', ': "Os', 'lo"}']),
        *call(2, "now", [""]),
        stop("tool_use"),
        COUNTS,
    ],
    "stream-empty-start": [
        BEGIN,
        event("contentBlockStart", {"contentBlockIndex": 0, "start": {}}),
        text("Hi"),
        end(),
        stop("max_tokens"),
        COUNTS,
    ],
    "stream-unknown-events": [
        BEGIN,
        event("somethingNew", {"text": "ignored"}),
        text("Hi"),
        event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"novelty": {}}}),
        end(),
        stop("a_new_reason"),
    ],
    "stream-throttled": [
        BEGIN,
        text("Tour "),
        event("throttlingException", {"message": "Too many tokens, please wait"}, "exception"),
    ],
    "stream-model-error": [
        BEGIN,
        event(
            "modelStreamErrorException",
            {"message": "The model broke", "originalStatusCode": 500, "originalMessage": "OOM"},
            "exception",
        ),
    ],
    "stream-context": [
        event("validationException", {"message": "Input is too long for requested model."}, "exception"),
    ],
    "stream-error": [
        BEGIN,
        message(
            {":message-type": "error", ":error-code": "InternalFailure", ":error-message": "Sorry"},
            b"",
        ),
    ],
}


# What others send and Bedrock does not; botocore reads the messages and refuses their content.
FOREIGN = {"stream-empty-start"}


def check(name, messages):
    """What botocore reads must be what was written, message by message."""
    buffer, parser = EventStreamBuffer(), EventStreamJSONParser()
    buffer.add_data(b"".join(messages))
    found = list(buffer)
    assert len(found) == len(messages), name
    for read, written in zip(found, messages):
        assert read.payload in written, name
        if name in FOREIGN:
            continue
        made, headers = parser.parse(read.to_response_dict(), SHAPE), read.headers
        kind = headers.get(":event-type")
        if kind is None:
            code = headers.get(":exception-type") or headers[":error-code"]
            assert made["Error"]["Code"].lower() == code.lower(), (name, made)
        elif kind in SHAPE.members:
            assert set(made) - {"ResponseMetadata"} == {kind}, (name, made)


def main():
    assert botocore.__version__ == PIN, botocore.__version__
    for name, messages in STREAMS.items():
        check(name, messages)
        (FOLDER / f"{name}.bin").write_bytes(b"".join(messages))
    whole = b"".join(PLAIN)
    (FOLDER / "truncated.bin").write_bytes(b"".join(PLAIN[:2]) + PLAIN[2][:40])
    changed = bytearray(whole)
    changed[whole.index(b"Eiffel")] ^= 1
    (FOLDER / "stream-damaged.bin").write_bytes(changed)
    print(f"{len(STREAMS) + 2} streams")


main()
