"""Writes tests/fixtures/json_schema/suite.json: the required tests of the official suite.

Run by hand when the suite is updated; the result is committed.

    pip download --no-deps --no-binary :all: jsonschema==4.26.0 -d /tmp/golden
    tar xzf /tmp/golden/jsonschema-4.26.0.tar.gz -C /tmp/golden
    python3 tests/golden/json_schema.py /tmp/golden/jsonschema-4.26.0/json

The source package of Python's jsonschema carries JSON-Schema-Test-Suite, which is under the MIT
licence, Copyright (c) 2012 Julian Berman. Left out are the tests called optional, and the documents
that `refRemote` wants from a server: nothing is fetched here, and the test that reads the fixture
expects such schemas to be refused. Each group is [file, description, schema, [[data, valid], ...]].
"""

import json
import pathlib
import sys

DRAFTS = {"4": "draft4", "6": "draft6", "7": "draft7", "2019-09": "draft2019-09", "2020-12": "draft2020-12"}

suite = pathlib.Path(sys.argv[1])
out = pathlib.Path(__file__).parent.parent / "fixtures" / "json_schema" / "suite.json"
out.parent.mkdir(exist_ok=True)
drafts, counts = {}, {}
for name, folder in DRAFTS.items():
    groups = []
    for path in sorted((suite / "tests" / folder).glob("*.json")):
        for group in json.loads(path.read_text(encoding="utf-8")):
            tests = [[test["data"], test["valid"]] for test in group["tests"]]
            groups.append([path.stem, group["description"], group["schema"], tests])
    drafts[name] = groups
    counts[name] = sum(len(group[3]) for group in groups)

lines = []
for name, groups in drafts.items():
    rows = ",\n".join(json.dumps(group, ensure_ascii=True, separators=(",", ":")) for group in groups)
    lines.append(f'"{name}": [\n{rows}\n]')
program = "JSON-Schema-Test-Suite (MIT, Copyright (c) 2012 Julian Berman), in jsonschema 4.26.0"
out.write_text('{\n"program": ' + json.dumps(program) + ",\n" + ",\n".join(lines) + "\n}\n")
print(counts, out.stat().st_size)
