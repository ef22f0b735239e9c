"""Makes the golden verdicts of `math` from the checker of MATH.

    python -m venv /tmp/golden
    /tmp/golden/bin/pip install --no-deps lm-eval==0.4.9.1
    /tmp/golden/bin/python tests/golden/math_answers.py

Writes tests/fixtures/golden/math.json: pairs of answers, drawn with a fixed seed, and whether
`is_equiv` takes them for the same. Whatever it does, `math` must as well.
"""

import importlib.metadata
import json
import pathlib
import random

VERSION = "0.4.9.1"
OUT = pathlib.Path(__file__).parent.parent / "fixtures" / "golden" / "math.json"

ATOMS = [
    "1", "2", "7", "12", "100", "0.5", ".5", "-3", "x", "y", "\\pi", "\\sqrt{2}", "\\sqrt2", "\\sqrt 3", "\\frac12", "\\frac{1}{2}",
    "\\frac1{72}", "\\dfrac{3}{4}", "\\tfrac{3}{4}", "3/4", "a/b", "10\\%", "90^\\circ", "90^{\\circ}", "\\$5", "5\\text{ cm}",
    "5\\text{cm}", "\\text{even}", "\\infty", "1,000", "10{,}000", "x^2", "2x+1", "x=5", "k = 3", "\\left(1,2\\right)", "(1,2)", "[0, 1)",
    "\\{1,2\\}", "1 \\pm \\sqrt{5}", "\\begin{pmatrix}1\\\\2\\end{pmatrix}", "漢", "é", "٣", "😀", "",
]


def variant(rng: random.Random, text: str) -> str:
    for _ in range(rng.randint(0, 3)):
        match rng.randrange(9):
            case 0:
                text = text.replace("\\frac", rng.choice(["\\dfrac", "\\tfrac", "\\frac"]))
            case 1:
                text = text.replace("(", "\\left(").replace(")", "\\right)")
            case 2:
                text = text.replace(" ", "") if rng.random() < 0.5 else text.replace("+", " + ").replace(",", ", ")
            case 3:
                text = text.replace("\\sqrt{2}", "\\sqrt2")
            case 4:
                text += rng.choice(["^\\circ", "^{\\circ}", "\\%", "\\text{ units}", "\\!"])
            case 5:
                text = text.replace("\\frac{1}{2}", "0.5")
            case 6:
                text = rng.choice(["x=", "n = ", "\\$"]) + text
            case 7:
                text = text.replace("\\frac{1}{2}", "\\frac12")
            case _:
                text = text.replace("\\\\", "\\")
    return text


def main() -> None:
    distribution = importlib.metadata.distribution("lm-eval")
    assert distribution.version == VERSION, distribution.version
    path = distribution.locate_file("lm_eval/tasks/hendrycks_math/utils.py")
    source = pathlib.Path(path).read_text()
    scope: dict = {}
    exec(compile(source[source.index("def is_equiv"):], str(path), "exec"), scope)
    rng = random.Random(7)
    rows = []
    for _ in range(2200):
        one = "".join(rng.choice(ATOMS) for _ in range(rng.choice([1, 1, 1, 2, 3])))
        other = variant(rng, one) if rng.random() < 0.8 else rng.choice(ATOMS)
        rows.append([one, other, bool(scope["is_equiv"](one, other))])
    body = ",\n".join("    " + json.dumps(row) for row in rows)
    OUT.write_text('{\n  "program": "lm-eval ' + VERSION + '",\n  "pairs": [\n' + body + "\n  ]\n}\n")
    print(len(rows), sum(row[2] for row in rows))


if __name__ == "__main__":
    main()
