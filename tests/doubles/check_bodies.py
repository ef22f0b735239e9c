"""Has request bodies judged by those who know: one JSON object a line on standard input.

    python check_bodies.py converse|openai|responses|anthropic < bodies.jsonl
    python check_bodies.py frames FILE...

Converse bodies are checked by botocore's validator against its model of the service, those of
OpenAI and Anthropic against the types of their own SDKs, by pydantic, with unknown fields refused
at the top. `frames` has botocore's parser read event streams. Prints what is wrong; exits with 1
if anything is. Needs `botocore`, `openai` and `anthropic`.
"""

import json
import pathlib
import sys
from typing import Union


def converse():
    from botocore.loaders import Loader
    from botocore.model import ServiceModel
    from botocore.validate import ParamValidator

    model = ServiceModel(Loader().load_service_model("bedrock-runtime", "service-2"))
    shape = model.operation_model("Converse").input_shape

    def check(body):
        unknown = set(body) - set(shape.members)
        if unknown:
            return f"unknown: {sorted(unknown)}"
        report = ParamValidator().validate({"modelId": "x.y", **body}, shape)
        return report.generate_report()

    return check


def typed(kinds):
    from pydantic import ConfigDict, TypeAdapter, ValidationError

    known = set().union(*(kind.__annotations__ for kind in kinds))
    for kind in kinds:
        known |= {name for base in kind.__orig_bases__ for name in getattr(base, "__annotations__", {})}
    adapter = TypeAdapter(Union[tuple(kinds)], config=None)

    def check(body):
        unknown = set(body) - known
        if unknown:
            return f"unknown: {sorted(unknown)}"
        try:
            adapter.validate_python(body)
        except ValidationError as error:
            return str(error)
        return ""

    return check


def openai():
    from openai.types.chat import completion_create_params as params

    return typed([params.CompletionCreateParamsNonStreaming, params.CompletionCreateParamsStreaming])


def responses():
    from openai.types.responses import response_create_params as params

    return typed([params.ResponseCreateParamsNonStreaming, params.ResponseCreateParamsStreaming])


def anthropic():
    from anthropic.types import message_create_params as params

    return typed([params.MessageCreateParamsNonStreaming, params.MessageCreateParamsStreaming])


def frames(path):
    """What botocore finds wrong with the messages of a stream."""
    from botocore.eventstream import EventStreamBuffer

    buffer = EventStreamBuffer()
    buffer.add_data(pathlib.Path(path).read_bytes())
    try:
        count = sum(1 for _ in buffer)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "" if count else "no message"


def main():
    what = sys.argv[1]
    wrong = 0
    if what == "frames":
        found = [(path, frames(path)) for path in sys.argv[2:]]
    else:
        check = {"converse": converse, "openai": openai, "responses": responses, "anthropic": anthropic}[what]()
        bodies = [json.loads(line) for line in sys.stdin]
        found = [(number, check(body)) for number, body in enumerate(bodies)]
    for place, complaint in found:
        if complaint:
            wrong += 1
            print(f"{place}: {complaint}")
    print(f"{len(found)} checked", file=sys.stderr)
    sys.exit(wrong > 0)


main()
