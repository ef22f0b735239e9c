# Runs a program and its tests, and says how that went by the descriptor that it was started with.
# Started in the sandbox as: python3 -I -c (this text)
import json
import os
import sys


def main():
    # Standard output is the way out: what the program prints goes elsewhere.
    verdict = os.dup(1)
    os.dup2(2, 1)
    pieces = []
    while not pieces or not pieces[-1].endswith(b"\n"):
        piece = os.read(verdict, 1 << 16)
        if not piece:
            return
        pieces.append(piece)
    job = json.loads(b"".join(pieces))
    write, leave = os.write, os._exit
    passed = json.dumps({"passed": job["nonce"]}).encode() + b"\n"
    scope = {"__name__": "__main__", "__builtins__": __builtins__}
    try:
        for name in ("program", "tests"):
            exec(compile(job.pop(name), f"<{name}>", "exec"), scope)
    except BaseException as error:
        text = f"{type(error).__name__}: {error}"[:500]
        said = json.dumps({"failed": text}).encode("utf-8", "replace") + b"\n"
    else:
        said = passed
    write(verdict, said)
    leave(0)


main()
