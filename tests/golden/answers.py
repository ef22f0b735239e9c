"""Makes the golden numbers of squad_em, squad_f1 and drop_f1 from the evaluators themselves.

    python -m venv /tmp/golden
    /tmp/golden/bin/pip install numpy==2.4.6 scipy==1.17.1
    /tmp/golden/bin/pip install --no-deps transformers==4.57.1 allennlp-models==2.10.1
    /tmp/golden/bin/python tests/golden/answers.py [blns.json]

Writes tests/fixtures/golden/answers.json. The pairs are drawn with a fixed seed, so that a second
run changes nothing. Of the list of naughty strings (https://github.com/minimaxir/big-list-of-naughty-strings)
only the numbers are kept: each string is scored against the one behind it.
"""

import importlib.metadata
import importlib.util
import json
import pathlib
import random
import sys

VERSIONS = {"numpy": "2.4.6", "scipy": "1.17.1", "transformers": "4.57.1", "allennlp-models": "2.10.1"}
OUT = pathlib.Path(__file__).parent.parent / "fixtures" / "golden" / "answers.json"

WORDS = [
    "the", "a", "an", "The", "A", "An", "and", "of", "Paris", "paris", "PARIS", "U.S.A.", "don't", "e.g.", "cat",
    "cats", "well-known", "St.", "O'Neil", "naïve", "Zoe\u0308", "a\u0301", "an\u0327", "Straße", "STRASSE", "İstanbul",
    "ΟΔΟΣ", "Σίσυφος", "ﬁne", "①", "½", "x²", "漢字", "日本語", "東京、", "中国。", "한국어", "서울", "مرحبا", "الكتاب", "١٢٣", "٣",
    "नमस्ते", "हिन्दी", "१२", "ไทย", "😀", "👩\u200d👩\u200d👧", "🇩🇪", "🏳\ufe0f\u200d🌈", "«quoted»", "“curly”", "…", "—", "-", "–",
    "!", "?!", "...", "$", "€", "#1", "@me", "a_b", "_the_", "the_", "(the)", "[an]", "1", "2", "10", "1,000", "1000",
    "1_000", "3.14", "3.140", "$5.50", "-7", "7", "1e3", "1E5", "1e400", "0.00001", "1e16", "12345678901234567890", "nan",
    "inf", "Infinity", "5%", "1/2", "twenty-two", "21st", "3rd-5th", "0", "-0", "00", "007", "+4", "4.", ".5", "٣.٥", "\u200b", "\ufeff",
    "\u202e", "\u0000", "\u0300", "\ud7ff", "\U0001d7d7", "\U00010330", "𝔸", "Ⅷ", "ǅ", "ŉ",
]
SEPARATORS = [" ", " ", " ", " ", "  ", "\n", "\t", "\u00a0", "\u3000", "\u2028", "\x1c", "\x85", "-", "", ", ", ". "]


def version_of(package: str) -> None:
    got = importlib.metadata.version(package)
    assert got == VERSIONS[package], f"{package} {got}"


def squad():
    """The module, without the packages that it imports for other purposes."""
    path = importlib.metadata.distribution("transformers").locate_file("transformers/data/metrics/squad_metrics.py")
    source = pathlib.Path(path).read_text()
    lines = [line for line in source.splitlines() if not line.startswith(("from ...", "logger ="))]
    scope: dict = {}
    exec(compile("\n".join(lines), str(path), "exec"), scope)
    return scope


def drop():
    path = importlib.metadata.distribution("allennlp-models").locate_file("allennlp_models/rc/tools/drop.py")
    spec = importlib.util.spec_from_file_location("drop_reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Example:
    def __init__(self, texts):
        self.qas_id = "q"
        self.answers = [{"text": text} for text in texts]


def phrase(rng: random.Random, longest: int) -> str:
    words = [rng.choice(WORDS) for _ in range(rng.randint(0, longest))]
    return "".join(word + rng.choice(SEPARATORS) for word in words).strip() if rng.random() < 0.8 else rng.choice(SEPARATORS).join(words)


def edited(rng: random.Random, text: str) -> str:
    words = text.split(" ")
    for _ in range(rng.randint(0, 3)):
        at = rng.randrange(len(words) + 1)
        match rng.randrange(4):
            case 0:
                words.insert(at, rng.choice(WORDS))
            case 1 if words:
                words.pop(min(at, len(words) - 1))
            case 2 if words:
                words[min(at, len(words) - 1)] = words[min(at, len(words) - 1)].swapcase()
            case _:
                rng.shuffle(words)
    return " ".join(words)


def pairs(rng: random.Random):
    fixed = [([""], ""), (["the"], ""), ([""], "the"), (["a", "x"], ""), (["x"], ""), (["", "x"], "x"), (["a " * 2000], "a b " * 1500),
             (["x y " * 1500], "y x z " * 900), (["!" * 500], "?" * 500), (["漢" * 800], "漢" * 799)]
    yield from fixed
    for longest in [1, 2, 4, 8, 14]:
        for _ in range(230):
            original = phrase(rng, longest)
            yield [original], phrase(rng, longest)
            yield [original], edited(rng, original)
    for _ in range(150):
        texts = [phrase(rng, 4) for _ in range(rng.randint(2, 4))]
        yield texts, edited(rng, rng.choice(texts))


def lists(rng: random.Random):
    for _ in range(500):
        gold = [phrase(rng, 3) for _ in range(rng.randint(1, 6))]
        got = [edited(rng, text) for text in gold if rng.random() < 0.8] + [phrase(rng, 2) for _ in range(rng.randint(0, 2))]
        rng.shuffle(got)
        if got and gold[0].strip():
            yield gold, got


def main() -> None:
    for package in VERSIONS:
        version_of(package)
    raw_scores, get_metrics = squad()["get_raw_scores"], drop().get_metrics

    def squad_numbers(texts, output):
        exact, f1 = raw_scores([Example(texts)], {"q": output})
        return exact["q"], f1["q"]

    def drop_number(texts, output):
        kept = [text for text in texts if text.strip()]
        return max((float(get_metrics([output], (text,))[1]) for text in kept), default=None)

    rng = random.Random(20250717)
    rows = [[texts, output, *squad_numbers(texts, output), drop_number(texts, output)] for texts, output in pairs(rng)]
    spans = [[gold, got, float(get_metrics(got, gold)[1])] for gold, got in lists(rng)]
    naughty = []
    if len(sys.argv) > 1:
        strings = json.loads(pathlib.Path(sys.argv[1]).read_text())
        for one, other in zip(strings, strings[1:] + strings[:1]):
            naughty.append([*squad_numbers([one], other), drop_number([one], other)])
    OUT.parent.mkdir(exist_ok=True)
    parts = {"pairs": rows, "spans": spans, "naughty": naughty}
    body = ",\n".join(f'  "{name}": [\n' + ",\n".join("    " + json.dumps(row) for row in part) + "\n  ]" for name, part in parts.items())
    versions = ", ".join(f"{package} {version}" for package, version in VERSIONS.items())
    OUT.write_text('{\n  "program": "' + versions + '",\n' + body + "\n}\n")
    print(len(rows), len(spans), len(naughty))


if __name__ == "__main__":
    main()
