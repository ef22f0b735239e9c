"""Makes the golden numbers of scorers that have a reference implementation.

    pip install rapidfuzz==3.14.6
    python tests/golden/scorers.py

Writes tests/fixtures/scorers/levenshtein.json. The pairs are drawn with a fixed seed, so that a
second run changes nothing. The files of the other scorers are written by hand.
"""

import json
import pathlib
import random

import rapidfuzz
from rapidfuzz.distance import Levenshtein

VERSION = "3.14.6"
FIXTURES = pathlib.Path(__file__).parent.parent / "fixtures" / "scorers"

# Texts that an implementation on bytes, UTF-16 units or graphemes would measure differently.
PIECES = [
    "a", "b", "c", "A", " ", "\n", "é", "e\u0301", "ß", "ſ", "Ω", "д", "漢", "字", "한", "ک", "ـ",
    "\u200d", "\ufe0f", "😀", "👩\u200d👩\u200d👧", "🇩🇪", "🏳\ufe0f\u200d🌈", "\U0001d518", "\u0300",
    "\u202e", "\ufeff", "\u0000",
]
FIXED = [
    ("", ""), ("", "a"), ("a", ""), ("kitten", "sitting"), ("flaw", "lawn"), ("é", "e\u0301"),
    ("👩\u200d👩\u200d👧", "👩"), ("Paris", "paris"), ("a" * 100, "a" * 99 + "b"), ("x" * 200, "y" * 150),
]


def text(rng: random.Random, longest: int) -> str:
    return "".join(rng.choice(PIECES) for _ in range(rng.randint(0, longest)))


def edited(rng: random.Random, original: str) -> str:
    chars = list(original)
    for _ in range(rng.randint(0, 5)):
        at = rng.randint(0, len(chars))
        match rng.randrange(3):
            case 0:
                chars.insert(at, rng.choice(PIECES)[0])
            case 1 if chars:
                del chars[min(at, len(chars) - 1)]
            case _ if chars:
                chars[min(at, len(chars) - 1)] = rng.choice(PIECES)[0]
    return "".join(chars)


def pairs() -> list[tuple[str, str]]:
    rng = random.Random(20240601)
    drawn = list(FIXED)
    for longest in [4, 12, 40, 90]:
        for _ in range(15):
            original = text(rng, longest)
            drawn.append((original, text(rng, longest)))
            drawn.append((original, edited(rng, original)))
    return drawn


def main() -> None:
    assert rapidfuzz.__version__ == VERSION, rapidfuzz.__version__
    cases = [
        {"expected": [expected], "output": output, "value": Levenshtein.normalized_similarity(expected, output)}
        for expected, output in pairs()
    ]
    many = ["kitten", "mitten", "sitting"]
    best = max(Levenshtein.normalized_similarity(one, "fitting") for one in many)
    cases.append({"expected": many, "output": "fitting", "value": best})
    at = {"expected": ["kitten"], "output": "sitting", "value": Levenshtein.normalized_similarity("kitten", "sitting")}
    cases.append({**at, "options": {"threshold": 0.5}, "passed": True})
    cases.append({**at, "options": {"threshold": 0.6}, "passed": False})
    cases.append({"expected": ["a"], "output": None, "value": 0.0, "why": "the extraction found nothing"})
    cases.append({"expected": ["a"], "output": None, "options": {"threshold": 0.5}, "value": 0.0, "passed": False})
    cases.append({"expected": [], "output": "a", "skipped": "the sample has no expected answer"})
    lines = ",\n".join("    " + json.dumps(case, ensure_ascii=True) for case in cases)
    head = f'  "program": "rapidfuzz (Python), Levenshtein.normalized_similarity",\n  "version": "{VERSION}",\n'
    (FIXTURES / "levenshtein.json").write_text("{\n" + head + '  "cases": [\n' + lines + "\n  ]\n}\n")


if __name__ == "__main__":
    main()
