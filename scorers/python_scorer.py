# Calls a function of the user's for each request on standard input; see docs/scorer-protocol.md.
# Started by evals as: python3 -c (this text) FILE FUNCTION
import asyncio
import importlib.util
import inspect
import json
import os
import sys
import traceback

path, name = sys.argv[1], sys.argv[2]
sys.argv = [path]

# What the function prints must not be taken for a reply: it goes to standard error.
replies = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
os.dup2(2, 1)
requests = sys.stdin.buffer

sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
spec = importlib.util.spec_from_file_location("evals_scorer", path)
module = importlib.util.module_from_spec(spec)
sys.modules["evals_scorer"] = module
spec.loader.exec_module(module)
function = module
for part in name.split("."):
    function = getattr(function, part)


def arguments(request):
    """The request by the names of the function's parameters; whole, where one says otherwise."""
    parameters = list(inspect.signature(function).parameters.values())
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return [], request
    named = [p for p in parameters if p.name in request and p.kind is not p.POSITIONAL_ONLY]
    others = [p for p in parameters if p not in named and p.default is p.empty]
    if others:
        return [request], {}
    return [], {p.name: request[p.name] for p in named}


def reply_to(request):
    positional, named = arguments(request)
    result = function(*positional, **named)
    if inspect.isawaitable(result):
        result = asyncio.run(result)
    if isinstance(result, bool):
        return {"score": float(result), "passed": result}
    if hasattr(result, "__float__"):
        return {"score": float(result)}
    if isinstance(result, dict):
        return dict(result)
    raise TypeError(f"{name} returned {type(result).__name__}; it returns a bool, a number or a dict")


for line in requests:
    request = json.loads(line)
    number = request.pop("id")
    try:
        text = json.dumps({**reply_to(request), "id": number}, allow_nan=False)
    except Exception as error:
        traceback.print_exc()
        text = json.dumps({"id": number, "error": f"{type(error).__name__}: {error}"})
    replies.write(text + "\n")
    replies.flush()
