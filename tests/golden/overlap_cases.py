"""Writes tests/fixtures/scorers/NAME.json of the scorers of likeness: cases that a person can read.

Run by hand when a case is added, in the environment of tests/golden/overlap.py; the result is
committed. The thousands of pairs are in tests/fixtures/overlap.
"""

import importlib.metadata
import json
import logging
import pathlib

import jiwer
from autoevals.list import ListContains
from autoevals.number import NumericDiff
from nltk.translate.gleu_score import sentence_gleu
from nltk.translate.meteor_score import meteor_score
from rapidfuzz.distance import JaroWinkler
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU, CHRF, TER

FIXTURES = pathlib.Path(__file__).parent.parent / "fixtures" / "scorers"
CAT = (["the cat sat on the mat ."], "the cat is sitting on the mat .")
TWO = (["a quick brown fox", "The quick brown fox jumps over the lazy dog"], "the quick brown dog jumps over the lazy foxes")
LOWER = {"ter", "wer", "cer"}


class NoSynonyms:
    @staticmethod
    def synsets(_word):
        return []


def rouge(name):
    return lambda stem=False: lambda refs, out: float(RougeScorer([name], use_stemmer=stem).score_multi(refs, out)[name].fmeasure)


SCORERS = {
    "jaro_winkler": ("rapidfuzz", lambda: lambda refs, out: max(JaroWinkler.normalized_similarity(r, out) for r in refs), [{}]),
    "bleu": ("sacrebleu", lambda **o: lambda refs, out: BLEU(**o).sentence_score(out, refs).score / 100, [{}, {"effective_order": True}]),
    "chrf": ("sacrebleu", lambda **o: lambda refs, out: CHRF(**o).sentence_score(out, refs).score / 100, [{}, {"word_order": 2}]),
    "ter": ("sacrebleu", lambda **o: lambda refs, out: TER(**o).sentence_score(out, refs).score / 100, [{}, {"no_punct": True}]),
    **{name: ("rouge-score", rouge(name), [{}, {"stem": True}]) for name in ["rouge1", "rouge2", "rougeL", "rougeLsum"]},
    "meteor": ("nltk", lambda **o: lambda refs, out: meteor_score([r.split() for r in refs], out.split(), wordnet=NoSynonyms, **o), [{}, {"gamma": 0.3}]),
    "gleu": ("nltk", lambda: lambda refs, out: sentence_gleu([r.split() for r in refs], out.split()), [{}]),
    "wer": ("jiwer", lambda: lambda refs, out: min(jiwer.wer(r, out) for r in refs), [{}]),
    "cer": ("jiwer", lambda: lambda refs, out: min(jiwer.cer(r, out) for r in refs), [{}]),
}


def cases(name, make, options):
    for chosen in options:
        value = make(**chosen)
        for refs, out in [CAT, TWO, (["same here"], "same here"), (["a"], "")]:
            yield {"options": chosen, "expected": refs, "output": out, "value": float(value(refs, out))}
    value = float(make()(*CAT))
    refs, out = CAT
    mark = "max" if name in LOWER else "threshold"
    for by, passed in [(-0.01, name not in LOWER), (0.01, name in LOWER)]:
        yield {"options": {mark: round(value + by, 6)}, "expected": refs, "output": out, "value": value, "passed": passed}
    nothing = float(make()(["a b"], "")) if name in LOWER else 0.0
    yield {"expected": ["a b"], "output": None, "value": nothing, "why": "the extraction found nothing"}
    yield {"expected": [], "output": "a", "skipped": "the sample has no expected answer"}


def numbers():
    for expected, output in [("100", "105"), ("1", "-1"), ("0", "0.001"), ("0", "0"), ("1,000", "$999.5"), ("-3", "-4")]:
        plain = [float(text.replace(",", "").replace("$", "")) for text in (expected, output)]
        value = NumericDiff()._run_eval_sync(plain[1], plain[0]).score
        yield {"expected": [expected], "output": output, "value": float(value)}
    yield {"expected": ["5%"], "output": "0.05", "value": 1.0}
    yield {"expected": ["1", "12"], "output": "it is 12", "options": {"find": "last"}, "value": 1.0}
    yield {"expected": ["5"], "output": "five", "value": 0.0, "why": "expected `5`, got `five`"}
    yield {"expected": ["five"], "output": "5", "failed": "the expected answer `five` is not a number"}
    yield {"expected": ["1e308"], "output": "-1e308", "value": 0.0}
    yield {"expected": ["5"], "output": None, "value": 0.0}
    yield {"expected": [], "output": "5", "skipped": "the sample has no expected answer"}


def lists():
    def value(expected, items, **options):
        return float(ListContains(**options)._run_eval_sync(items, expected).score)

    red = ["red", "green", "blue"]
    yield {"expected": red, "output": "green\n blue \n\nredd", "value": value(red, ["green", "blue", "redd"])}
    yield {"expected": [json.dumps(red), '["red"]'], "output": '["red"]', "value": 1.0}
    yield {"expected": red, "output": '["red", "green", "blue", "pink"]', "value": value(red, red + ["pink"])}
    yield {"expected": red, "output": "red,green,blue,pink", "options": {"separator": ",", "allow_extra": True}, "value": value(red, red + ["pink"], allow_extra_entities=True)}
    yield {"expected": ['[1, {"a": 2}]'], "output": '[{"a":2}, 1]', "value": 1.0}
    yield {"expected": ["[]"], "output": "[]", "value": 1.0}
    yield {"expected": red, "output": " ", "value": 0.0}
    yield {"expected": ["\n".join(map(str, range(1001)))], "output": "1", "failed": "a list of 1001 items; at most 1000 are compared"}
    yield {"expected": red, "output": None, "value": 0.0}
    yield {"expected": [], "output": "red", "skipped": "the sample has no expected answer"}


def write(name, package, made):
    lines = ",\n".join("    " + json.dumps(case, ensure_ascii=True) for case in made)
    version = importlib.metadata.version(package)
    head = f'  "program": "{package}",\n  "version": "{version}",\n'
    (FIXTURES / f"{name}.json").write_text("{\n" + head + '  "cases": [\n' + lines + "\n  ]\n}\n")


logging.disable(logging.CRITICAL)
for name, (package, make, options) in SCORERS.items():
    write(name, package, cases(name, make, options))
write("numeric_diff", "autoevals", numbers())
write("list_contains", "autoevals", lists())
