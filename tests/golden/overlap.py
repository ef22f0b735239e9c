"""Writes tests/fixtures/overlap/*.json: what the reference implementations say of 2,100 pairs of texts.

Run by hand when a pair or an option is added; the results are committed.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install sacrebleu==2.6.0 rouge-score==0.1.2 \\
        nltk==3.10.4 jiwer==4.0.0 rapidfuzz==3.14.6 autoevals==0.4.1 scipy==1.17.1
    /tmp/golden/bin/python tests/golden/overlap.py [NAUGHTY]

`pairs.json` holds the pairs, and long texts by the rule that makes them; there is a file for each
scorer, with a list of values for each set of options. With several references, those of a pair are
the expected texts of it and of the pairs behind it. Numbers are on the scorers' scale: sacreBLEU's
divided by 100. METEOR is nltk's without WordNet, whose stage finds nothing then.

NAUGHTY is a `blns.json`; values over its strings, each against the next, go to `naughty.json` with
its digest. The strings themselves do not.
"""

import hashlib
import importlib.metadata
import json
import logging
import pathlib
import random
import sys

import jiwer
from autoevals.list import ListContains
from nltk.translate.gleu_score import corpus_gleu, sentence_gleu
from nltk.translate.meteor_score import meteor_score
from rapidfuzz.distance import JaroWinkler, Levenshtein
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU, CHRF, TER

PINS = {
    "sacrebleu": "2.6.0", "rouge-score": "0.1.2", "nltk": "3.10.4", "jiwer": "4.0.0",
    "rapidfuzz": "3.14.6", "autoevals": "0.4.1", "scipy": "1.17.1",
}
FOLDER = pathlib.Path(__file__).parent.parent / "fixtures" / "overlap"
SHORT = 2_092
WORDS = {
    "en": "the quick brown fox jumped over lazy dogs and a relational database was happily generalized "
    "by archaeologists who controlled 3.14 percent of $1,000,000.50 spending's dying skies enjoyed "
    "can't won't mother-in-law U.S.A. e.g. hopeful hoping hopped agreed feed innings news running runner "
    "naïve café résumé İstanbul STRASSE straße ΟΔΟΣ ﬁnal x-\n10-20 &quot;quoted&quot; &amp; &lt;b&gt; "
    "<skipped> O'Neill's (see [1], {2}) ... ?! -- *bold* _under_ `code` a/b c\\d #tag @user 50% ^ ~ | = +",
    "zh": "我 喜欢 在 北京 吃 烤鸭 ， 因为 它 很 好吃 。 人工智能 “引号” （括号） 3，5 東京 ひらがな カタカナ 한국어 문장 ㈱ ㍿ 々 、",
    "ar": "اللغة العربية جميلة ، و القراءة مفيدة ؟ كتاب مُحَمَّد ١٢٣ ٤٫٥ السلام عليكم فارسی می‌خواهم",
    "hi": "हिन्दी भाषा बहुत सुंदर है । किताब पढ़ना १२३ नमस्ते दुनिया क्षत्रिय ज़रूरी",
    "odd": "👩‍👩‍👧 🇩🇪 🏳️‍🌈 e\u0301 a\u0300\u0316 \u0301 ​ \ufeff \u200d \u202eabc ½ ² Ⅷ 𝔘𝔫𝔦 ℵ ∑ √2 € ¥ £ ™ ® «x» ‹y› … — – ¿ ¡ ǅ ß ſ K Å",
}
SPACES = [" "] * 30 + ["  ", "\n", "\t", "\u00a0", "\u3000", "\u2003", "\x1c", "\x85", " \n", "\n\n", "\r\n", ""]


def words(rng, longest):
    pools = [WORDS[rng.choice(list(WORDS))].split(" ") for _ in range(rng.choice([1, 1, 2]))]
    return [rng.choice(rng.choice(pools)) for _ in range(rng.randint(0, longest))]


def text(rng, parts):
    return "".join(part + rng.choice(SPACES) for part in parts) if rng.random() < 0.4 else " ".join(parts)


def edited(rng, parts):
    parts = list(parts)
    for _ in range(rng.randint(0, 1 + len(parts) // 4)):
        at = rng.randint(0, len(parts))
        match rng.randrange(6):
            case 0:
                parts[at:at] = words(rng, 2)
            case 1:
                del parts[at:at + rng.randint(1, 3)]
            case 2 if at < len(parts):
                parts[at] = rng.choice([str.upper, str.lower, str.title, lambda word: word + "s"])(parts[at])
            case 3 | 4:
                moved = parts[at:at + rng.randint(1, 5)]
                del parts[at:at + len(moved)]
                to = rng.randint(0, len(parts))
                parts[to:to] = moved
            case _ if at < len(parts):
                parts[at] += rng.choice([".", ",", "!", "?", ";", "'s", "-", ")", "。", "۔", "।"])
    return parts


def pairs():
    rng = random.Random(20_261_121)
    drawn = [["", ""], ["", "a"], ["a", ""], [" ", "\n"], ["\u0301\u0316", "\u0301"], ["a b", "a b"], [".", ","]]
    drawn += [[c * 300, c * 299 + "b"] for c in "ax漢\u0301"]
    drawn += [["a b c d e f g h", "e f g h a b c d"], ["x " * 60, "y " * 70], ["a " * 90, "a " * 40 + "b " * 50]]
    while len(drawn) < SHORT:
        parts = words(rng, rng.choice([3, 8, 20, 20, 45]))
        other = words(rng, 20) if rng.random() < 0.15 else edited(rng, parts)
        drawn.append([text(rng, parts), text(rng, other)])
    return drawn


def long_text(rule):
    """`count` words, numbered by a rule that is easily written in any language; a line feed now and then."""
    count, step, square, kinds = rule
    parts = (f"w{(step * n + square * n * n) % kinds}" + ("\n" if n % 29 == 28 else " ") for n in range(count))
    return "".join(parts)


# Counts, step, square and kinds of words for both sides.
LONG = [
    [[150, 7, 0, 101], [150, 7, 0, 101]],
    [[120, 7, 1, 101], [110, 7, 1, 103]],
    [[300, 3, 1, 997], [280, 3, 2, 997]],
    [[140, 1, 0, 50], [130, 1, 0, 49]],
    [[80, 5, 3, 12], [70, 5, 1, 12]],
    [[400, 1, 0, 5000], [20, 1, 0, 5000]],
    [[15, 1, 0, 5000], [900, 1, 0, 5000]],
    [[200, 11, 1, 2003], [200, 12, 1, 2003]],
]


class NoSynonyms:
    @staticmethod
    def synsets(_word):
        return []


class NoStems:
    @staticmethod
    def stem(word):
        return word


def sacre(metric):
    def one(references, output):
        return metric.sentence_score(output, references).score / 100

    def corpus(lists, outputs):
        columns = [list(column) for column in zip(*lists)]
        return metric.corpus_score(outputs, columns).score / 100

    return one, corpus


def rouge(name, stem):
    scorer = RougeScorer([name], use_stemmer=stem)
    return lambda references, output: float(scorer.score_multi(references, output)[name].fmeasure), None


def meteor(**options):
    def one(references, output):
        split = [reference.split() for reference in references]
        return float(meteor_score(split, output.split(), wordnet=NoSynonyms, **options))

    return one, None


def gleu():
    def one(references, output):
        return float(sentence_gleu([reference.split() for reference in references], output.split()))

    def corpus(lists, outputs):
        split = [[reference.split() for reference in references] for references in lists]
        return float(corpus_gleu(split, [output.split() for output in outputs]))

    return one, corpus


def rates(rate):
    def one(references, output):
        return min(float(rate(reference, output)) for reference in references)

    def corpus(lists, outputs):
        if len(lists[0]) > 1:
            return None
        return float(rate([references[0] for references in lists], outputs))

    return one, corpus


def best(likeness):
    return lambda references, output: max(float(likeness(reference, output)) for reference in references), None


def covered(**options):
    scorer = ListContains(**options)

    def one(references, output):
        score = scorer._run_eval_sync(output.split()[:12], references[0].split()[:12])
        return float(score.score)

    return one, None


# Scorer: package, and its sets of options with the number of references and the functions.
RUNS = {
    "levenshtein": ("rapidfuzz", [({}, 1, best(Levenshtein.normalized_similarity)), ({}, 3, best(Levenshtein.normalized_similarity))]),
    "jaro_winkler": ("rapidfuzz", [
        ({}, 1, best(JaroWinkler.normalized_similarity)),
        ({"prefix_weight": 0.25}, 2, best(lambda a, b: JaroWinkler.normalized_similarity(a, b, prefix_weight=0.25))),
    ]),
    "bleu": ("sacrebleu", [
        ({}, 1, sacre(BLEU())),
        ({"effective_order": True}, 3, sacre(BLEU(effective_order=True))),
        ({"tokenize": "intl", "smooth": "floor", "effective_order": True}, 1, sacre(BLEU(tokenize="intl", smooth_method="floor", effective_order=True))),
        ({"tokenize": "char", "smooth": "none"}, 2, sacre(BLEU(tokenize="char", smooth_method="none"))),
        ({"tokenize": "none", "smooth": "add-k", "smooth_value": 0.5, "lowercase": True}, 1, sacre(BLEU(tokenize="none", smooth_method="add-k", smooth_value=0.5, lowercase=True))),
        ({"tokenize": "intl", "smooth": "add-k", "effective_order": True}, 1, sacre(BLEU(tokenize="intl", smooth_method="add-k", effective_order=True))),
    ]),
    "chrf": ("sacrebleu", [
        ({}, 1, sacre(CHRF())),
        ({"word_order": 2}, 1, sacre(CHRF(word_order=2))),
        ({"word_order": 2, "lowercase": True}, 3, sacre(CHRF(word_order=2, lowercase=True))),
        ({"char_order": 3, "beta": 1, "whitespace": True, "word_order": 1}, 1, sacre(CHRF(char_order=3, beta=1, whitespace=True, word_order=1))),
    ]),
    "ter": ("sacrebleu", [
        ({}, 1, sacre(TER())),
        ({"normalized": True, "asian_support": True}, 2, sacre(TER(normalized=True, asian_support=True))),
        ({"no_punct": True, "asian_support": True, "case_sensitive": True}, 1, sacre(TER(no_punct=True, asian_support=True, case_sensitive=True))),
        ({"normalized": True, "no_punct": True}, 1, sacre(TER(normalized=True, no_punct=True))),
    ]),
    **{name: ("rouge-score", [({}, 1, rouge(name, False)), ({"stem": True}, 3, rouge(name, True))]) for name in ["rouge1", "rouge2", "rougeL", "rougeLsum"]},
    "meteor": ("nltk", [
        ({}, 1, meteor()),
        ({"exact_only": True}, 3, meteor(stemmer=NoStems)),
        ({"alpha": 0.5, "beta": 1.5, "gamma": 0.3}, 1, meteor(alpha=0.5, beta=1.5, gamma=0.3)),
    ]),
    "gleu": ("nltk", [({}, 1, gleu()), ({}, 3, gleu())]),
    "wer": ("jiwer", [({}, 1, rates(jiwer.wer)), ({}, 3, rates(jiwer.wer))]),
    "cer": ("jiwer", [({}, 1, rates(jiwer.cer)), ({}, 3, rates(jiwer.cer))]),
    "list_contains": ("autoevals", [({}, 1, covered()), ({"allow_extra": True}, 1, covered(allow_extra_entities=True))]),
}


def written(value):
    # Fifteen digits hold 1e-9 with room to spare.
    return float(f"{value:.15g}")


def run(options, count, functions, expected, outputs):
    one, corpus = functions
    lists = [[expected[(at + k) % len(expected)] for k in range(count)] for at in range(len(expected))]
    values = [written(one(references, output)) for references, output in zip(lists, outputs)]
    whole = corpus(lists, outputs) if corpus else None
    return {"options": options, "references": count, "corpus": whole, "values": values}


def dump(name, content):
    (FOLDER / f"{name}.json").write_text(json.dumps(content, ensure_ascii=True, separators=(",", ":")) + "\n")


def main():
    found = {name: importlib.metadata.version(name) for name in PINS}
    assert found == PINS, f"numbers are made with {PINS}, this is {found}"
    logging.disable(logging.CRITICAL)
    short = pairs()
    FOLDER.mkdir(exist_ok=True)
    dump("pairs", {"made_by": "tests/golden/overlap.py", "pairs": short, "long": LONG})
    everything = short + [[long_text(rule) for rule in rules] for rules in LONG]
    expected, outputs = [pair[0] for pair in everything], [pair[1] for pair in everything]
    for name, (package, runs) in RUNS.items():
        print(name, file=sys.stderr, flush=True)
        made = [run(*settings, expected, outputs) for settings in runs]
        dump(name, {"program": package, "version": PINS[package], "runs": made})
    if len(sys.argv) > 1:
        data = pathlib.Path(sys.argv[1]).read_bytes()
        strings = json.loads(data)
        turned = strings[1:] + strings[:1]
        values = {}
        for name, (_, runs) in RUNS.items():
            options, _, functions = runs[0]
            values[name] = run(options, 1, functions, strings, turned)
        dump("naughty", {"sha256": hashlib.sha256(data).hexdigest(), "scorers": values})


main()
