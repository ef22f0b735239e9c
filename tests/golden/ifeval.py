"""Makes the golden verdicts of `ifeval` from the checkers of lm-eval.

    python -m venv /tmp/golden
    /tmp/golden/bin/pip install nltk==3.10.4 langdetect==1.0.9 immutabledict==4.2.1 packaging==25.0
    /tmp/golden/bin/pip install --no-deps lm-eval==0.4.9.1
    /tmp/golden/bin/python tests/golden/ifeval.py [blns.json]

Writes tests/fixtures/golden/ifeval.json. nltk's trained tables of sentences are no package and are
not used: its own Punkt tokenizer runs with the short lists of src/scorer/instruction/sentence.rs.
Languages are only asked of texts that are clearly in one. Of the naughty strings only the verdicts
are kept.
"""

import importlib.metadata
import json
import pathlib
import random
import re
import sys
import types

VERSIONS = {"nltk": "3.10.4", "langdetect": "1.0.9", "lm-eval": "0.4.9.1"}
ROOT = pathlib.Path(__file__).parent.parent.parent
OUT = ROOT / "tests" / "fixtures" / "golden" / "ifeval.json"

for package, version in VERSIONS.items():
    assert importlib.metadata.version(package) == version, package

import langdetect  # noqa: E402
import nltk  # noqa: E402
from nltk.tokenize.destructive import NLTKWordTokenizer  # noqa: E402
from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer  # noqa: E402

langdetect.DetectorFactory.seed = 0


def short_lists():
    source = (ROOT / "src/scorer/instruction/sentence.rs").read_text()
    found = {}
    for name in ["ABBREVIATIONS", "STARTERS"]:
        text = re.search(rf'const {name}: &str = "(.*?)";', source, re.S).group(1)
        found[name] = text.replace("\\\n", " ").split()
    return found


def punkt():
    lists = short_lists()
    parameters = PunktParameters()
    parameters.abbrev_types = set(lists["ABBREVIATIONS"])
    parameters.sent_starters = set(lists["STARTERS"])
    for word in lists["STARTERS"]:
        parameters.ortho_context[word] = 1 << 5  # seen in lower case within a sentence
    return PunktSentenceTokenizer(parameters)


TOKENIZER = punkt()
WORDS = NLTKWordTokenizer()


def word_tokenize(text):
    return [word for sentence in TOKENIZER.tokenize(text) for word in WORDS.tokenize(sentence)]


def registry():
    """The registry, its packages made by hand so that nothing is downloaded."""
    # What asks for the trained tables gets the tokenizers above.
    nltk.data.find = lambda *_: True
    nltk.data.load = lambda *_: TOKENIZER
    nltk.word_tokenize = word_tokenize
    base = pathlib.Path(importlib.metadata.distribution("lm-eval").locate_file("lm_eval"))
    for name, path in [("lm_eval", base), ("lm_eval.tasks", base / "tasks"), ("lm_eval.tasks.ifeval", base / "tasks/ifeval")]:
        module = types.ModuleType(name)
        module.__path__ = [str(path)]
        sys.modules[name] = module
    from lm_eval.tasks.ifeval import utils
    return utils


UTILS = registry()

WORDS_DRAWN = [
    "the", "The", "NASA", "WORLD", "I", "I'm", "JOHN'S", "can't", "CAN'T", "hello", "Hello,", "word.", "End.", "Why?", "Wow!", "U.S.", "Mr.", "Dr. Who",
    "e.g.", "3.5", "1,000", "A", "a", "...", "--", "***", "******", "* item", "- item", "*bold*", "**Bold**", "[name]", "[x] [y]", "<<Title>>", "<< >>",
    "P.S. bye", "P.P.S bye", "p. s.", "Section 1", "SECTION 2", "Section3", "My answer is yes.", "My answer is no.", "My answer is maybe.", '"quoted"', '"',
    "'single'", "``tick``", "(paren)", "{brace}", "漢字。", "日本語、", "한국어", "مرحبا،", "नमस्ते", "हिन्दी", "😀", "👩\u200d👩\u200d👧", "e\u0301t\u00e9", "Ünïcode", "ΣΑΣ", "ǅ",
    "ﬁne", "½", "x_y", "١٢", "№5", "—", "…", "“curly”", "«guillemet»", "Ph.D.", "J. K.", "No. 5", "cat", "Cat", "concat", "CANNOT", "gonna", "well-known", ",", ";", "\u0300",
]
GLUE = [" ", " ", " ", " ", " ", "\n", "\n\n", "\n\n", "\t", "\u00a0", "  ", ""]
CLEAR = [
    "The quick brown fox jumps over the lazy dog and then it runs away from the hunter because it is afraid.",
    "This is a long sentence in plain English which nobody would take for anything else at all.",
    "Der schnelle braune Fuchs springt über den faulen Hund und läuft dann weit weg, weil er Angst hat.",
    "Le renard brun et rapide saute par-dessus le chien paresseux, puis il s'enfuit parce qu'il a peur.",
    "El zorro marrón y rápido salta sobre el perro perezoso y luego huye porque tiene miedo del cazador.",
    "Быстрая коричневая лиса прыгает через ленивую собаку, а потом убегает, потому что боится охотника.",
    "素早い茶色の狐がのろまな犬を飛び越えて、それから怖くなって逃げていきました。",
    "الثعلب البني السريع يقفز فوق الكلب الكسول ثم يهرب لأنه خائف من الصياد في الغابة",
    "तेज़ भूरी लोमड़ी आलसी कुत्ते के ऊपर कूदती है और फिर भाग जाती है क्योंकि वह डरती है",
    "빠른 갈색 여우가 게으른 개를 뛰어넘고 나서 무서워서 멀리 도망갔습니다.",
    "Mbweha mwepesi wa kahawia anaruka juu ya mbwa mvivu na kisha anakimbia kwa sababu ana hofu ya watu wote katika nchi hii.",
    "Szybki brązowy lis przeskakuje nad leniwym psem, a potem ucieka, ponieważ boi się myśliwego w lesie.",
]


def response(rng: random.Random) -> str:
    return "".join(rng.choice(WORDS_DRAWN) + rng.choice(GLUE) for _ in range(rng.choice([0, 1, 2, 4, 8, 16, 30])))


def draw(rng: random.Random, text: str):
    """An instruction with arguments near what the text has."""
    relation = rng.choice(["less than", "at least"])
    near = lambda count: max(1, count + rng.randint(-1, 1))  # noqa: E731
    words = text.split()
    word = re.escape(rng.choice(words)) if words and rng.random() < 0.7 else rng.choice(["cat", "the", "नमस्ते", "字", "e.g", "a"])
    return rng.choice([
        ("keywords:existence", {"keywords": [word, "a"][: rng.randint(1, 2)]}),
        ("keywords:frequency", {"keyword": word, "frequency": rng.randint(1, 3), "relation": relation}),
        ("keywords:forbidden_words", {"forbidden_words": [word, "zebra"]}),
        ("keywords:letter_frequency", {"letter": rng.choice("aeiNtx"), "let_frequency": rng.randint(1, 9), "let_relation": relation}),
        ("length_constraints:number_sentences", {"num_sentences": near(len(TOKENIZER.tokenize(text))), "relation": relation}),
        ("length_constraints:number_paragraphs", {"num_paragraphs": near(text.count("***"))}),
        ("length_constraints:number_words", {"num_words": near(len(re.findall(r"\w+", text))), "relation": relation}),
        ("length_constraints:nth_paragraph_first_word", {"num_paragraphs": 3, "nth_paragraph": rng.randint(1, 3), "first_word": rng.choice([word, "hello", "the", "section"])}),
        ("length_constraints:nth_paragraph_first_word", {"num_paragraphs": max(1, sum(1 for part in text.split("\n\n") if part.strip())), "nth_paragraph": 1, "first_word": (re.split(r"[.,?!'\"]", words[0].lstrip("'").lstrip('"'))[0] if words else "x") or "x"}),
        ("detectable_content:number_placeholders", {"num_placeholders": rng.randint(1, 3)}),
        ("detectable_content:postscript", {"postscript_marker": rng.choice(["P.S.", "P.P.S", "Note"])}),
        ("detectable_format:number_bullet_lists", {"num_bullets": rng.randint(1, 3)}),
        ("detectable_format:constrained_response", {}),
        ("detectable_format:number_highlighted_sections", {"num_highlights": rng.randint(1, 3)}),
        ("detectable_format:multiple_sections", {"section_spliter": rng.choice(["Section", "SECTION"]), "num_sections": rng.randint(1, 2)}),
        ("detectable_format:json_format", {}),
        ("detectable_format:title", {}),
        ("combination:two_responses", {}),
        ("combination:repeat_prompt", {"prompt_to_repeat": text[: rng.randint(1, 12)].strip() or "x"}),
        ("startend:end_checker", {"end_phrase": text[-rng.randint(1, 9):].strip() or "x"}),
        ("change_case:capital_word_frequency", {"capital_frequency": near(sum(word.isupper() for word in word_tokenize(text))), "capital_relation": relation}),
        ("punctuation:no_comma", {}),
        ("startend:quotation", {}),
    ])


def verdicts(text, items):
    instance = UTILS.InputExample(key=0, instruction_id_list=[one for one, _ in items], prompt="p", kwargs=[kwargs for _, kwargs in items])
    strict = UTILS.test_instruction_following_strict(instance, text).follow_instruction_list
    loose = UTILS.test_instruction_following_loose(instance, text).follow_instruction_list
    return [int(one) for one in strict], [int(one) for one in loose]


def row(text, items):
    strict, loose = verdicts(text, items)
    return [text, [one for one, _ in items], [kwargs for _, kwargs in items], strict, loose]


def main() -> None:
    rng = random.Random(25)
    rows = []
    for _ in range(2100):
        text = response(rng)
        rows.append(row(text, [draw(rng, text) for _ in range(rng.randint(1, 3))]))
    for text in ['{"a": [1, 2]}', '```json\n{"a": 1}\n```', "```JSON\n[1]\n```", "[1,]", "", "  ", '"x"', "```\n1\n```", "``` ```"]:
        rows.append(row(text, [("detectable_format:json_format", {})]))
    for text in CLEAR:
        for code in ["en", "de", "fr", "es", "ru", "ja", "ar", "hi", "ko", "sw", "pl"]:
            rows.append(row(text, [("language:response_language", {"language": code})]))
    for text in CLEAR[:2]:
        for shown in [text, text.upper(), text.lower()]:
            rows.append(row(shown, [("change_case:english_capital", {}), ("change_case:english_lowercase", {})]))
    # Marks that no word stands before.
    for text in ["It rocks !!!", "Wow !! So", "Wow !!! The b", "!!! So", "a !. b", "a .! b", "a ?! The", "a\n!!\nb", "a !)!) b", "x . . . y", "a .. The b"]:
        for count in range(1, 5):
            rows.append(row(text, [("length_constraints:number_sentences", {"num_sentences": count, "relation": "at least"})]))
    naughty = []
    if len(sys.argv) > 1:
        strings = json.loads(pathlib.Path(sys.argv[1]).read_text())
        for text in strings:
            items = [
                ("length_constraints:number_words", {"num_words": 3, "relation": "at least"}),
                ("length_constraints:number_sentences", {"num_sentences": 2, "relation": "at least"}),
                ("change_case:capital_word_frequency", {"capital_frequency": 1, "capital_relation": "at least"}),
                ("detectable_content:number_placeholders", {"num_placeholders": 1}),
                ("detectable_format:number_highlighted_sections", {"num_highlights": 1}),
                ("detectable_format:title", {}),
                ("punctuation:no_comma", {}),
                ("startend:quotation", {}),
                ("keywords:letter_frequency", {"letter": "e", "let_frequency": 2, "let_relation": "at least"}),
            ]
            naughty.append([items, *verdicts(text, items)] if not naughty else [None, *verdicts(text, items)])
    parts = {"rows": rows, "naughty": naughty}
    body = ",\n".join(f'  "{name}": [\n' + ",\n".join("    " + json.dumps(one) for one in part) + "\n  ]" for name, part in parts.items())
    OUT.write_text('{\n  "program": "' + ", ".join(f"{name} {version}" for name, version in VERSIONS.items()) + '",\n' + body + "\n}\n")
    print(len(rows), len(naughty))


if __name__ == "__main__":
    main()
