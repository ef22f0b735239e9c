"""Writes tests/fixtures/scorers/is_html.json and is_xml.json: what html5lib and expat say.

Run by hand when a case is added; the result is committed.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install html5lib==1.1
    /tmp/golden/bin/python tests/golden/markup.py

html5lib: a text that begins with a doctype is parsed as a document, others as a fragment of a body;
valid is what gives no parse error. expat is Python's own, with namespaces. What the scorers decide
otherwise on purpose is by hand, below: elements that HTML does not know, texts without elements,
document type declarations.
"""

import json
import pathlib
from importlib.metadata import version
from xml.parsers import expat

import html5lib

assert version("html5lib") == "1.1"
FIXTURES = pathlib.Path(__file__).parent.parent / "fixtures" / "scorers"

HTML = """
<p>Hello</p>
<p>Hello
<p>One<p>Two
<div><p>x</div>
<div>
<div></div></div>
</div>
<b><i>x</b></i>
<b><i>x</i></b>
<b><p>x</b>
<span><p>x</span>
<p><div>x</div></p>
<p><span><div>x</div></span></p>
<ul><li>a<li>b</ul>
<ul><li>a</li><li>b</li></ul>
<ul><li><div>a<li>b</ul>
<ul><li>a<ul><li>b</ul><li>c</ul>
<dl><dt>a<dd>b<dt>c<dd>d</dl>
<table><tr><td>1<td>2<tr><td>3</table>
<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>
<table><td>1</td></table>
<table><tbody><td>1</td></tbody></table>
<table><tr>text</tr></table>
<table><div>x</div></table>
<table><caption>c</caption><colgroup><col><col></colgroup><tr><td>1</td></tr></table>
<table><tr><td><table><tr><td>1</table></table>
<table><tr><td><b>1</td></tr></table>
<br>
<br/>
</br>
</p>
<img src=a.png alt="x">
<img src="a" src="b">
<input disabled>
<div/>
<a href="x">y</a>
<a href="x">y<a href="z">w</a></a>
<button>a<button>b</button></button>
<form><form></form></form>
<h1>a</h1><h2>b</h2>
<h1>a<h2>b</h2></h1>
<h1>a</h2>
<select><option>a<option selected>b</select>
<select><optgroup label=x><option>a<optgroup label=y><option>b</select>
<p>a &amp; b</p>
<p>a & b</p>
<p>a &nosuch; b</p>
<p>a &copy b</p>
<p>&#65;&#x41;</p>
<p>&#0;</p>
<p>&#xZ;</p>
<p>1 < 2</p>
<p>1 <2</p>
<!-- a --><p>x</p>
<!-- a -- b --><p>x</p>
<!--><p>x</p>
<p><!-- open
<p title="a>b">x</p>
<p title=a"b>x</p>
<p title="a"class="b">x</p>
<p =a>x</p>
<p></p/>
<p></p a=b>
<p
<script>if (a < b && c) { "</div>" }</script>
<script>open
<style>a > b { }</style>
<textarea><p>x</textarea>
<title>a <b></title>
<svg><circle r="1"/><path d="M0"/></svg>
<svg><circle r="1"></svg>
<svg><g></g></svg>
<svg><p>x</p></svg>
<svg><foreignObject><p>x</p></foreignObject></svg>
<math><mi>x</mi><mo>=</mo></math>
<em>a</em><strong>b</strong>
<em>a<strong>b</em></strong>
<p>日本語 <b>مرحبا</b> 👩‍👩‍👧</p>
<ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby>
<details><summary>s</summary><p>x</p></details>
<video controls><source src=a><track src=b></video>
<option>a
<li>a
<P>x</p>
<DIV CLASS=a>x</Div>
<template><div></div></template>
<iframe src=x></iframe>
<blockquote><p>x</blockquote>
<p><ul><li>x</ul>
<p>a</p></p>
<hr></hr>
<i>a<p>b</p></i>
<address><p>x</address>
<?xml version="1.0"?><p>x</p>
<!DOCTYPE html><p>x
<!DOCTYPE html><html><head><title>x</title></head><body><p>x</p></body></html>
<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>x</title><body><h1>x</h1>
<!DOCTYPE html><html><head></head><body></body></html><p>x
<!DOCTYPE html><html><body></body></html> <!-- end -->
<!DOCTYPE html><body><div></body>
<!DOCTYPE html><html><html><body></body></html>
<!DOCTYPE html><body><body>
<!DOCTYPE html><title>x</title><p>y
<!DOCTYPE html PUBLIC "-//W3C//DTD HTML 3.2//EN"><p>x
<!doctype HTML><p>x
<!DOCTYPE html SYSTEM "about:legacy-compat"><p>x
<p>x</p><!DOCTYPE html>
<!DOCTYPE html><p>x</p></div>
""".strip().split("\n")

XML = """
<a/>
<a></a>
<a>text</a>
<a b="c" d='e'/>
<a b="1" b="2"/>
<a b=c/>
<a b/>
<a><b></a></b>
<a><b></b>
<a/><b/>
text
<a>&amp;&lt;&#65;&#x41;</a>
<a>&nosuch;</a>
<a>&</a>
<a>a < b</a>
<a b="<"/>
<a>]]></a>
<a><![CDATA[<b>&]]></a>
<a><!-- c --></a>
<a><!-- c -- d --></a>
<a><!-- c --->
<?xml version="1.0"?><a/>
<?xml version="1.0" encoding="UTF-8" standalone="yes"?><a/>
<?xml encoding="UTF-8"?><a/>
<a/><?xml version="1.0"?>
<a><?pi x?></a>
<a><?xml x?></a>
<1a/>
<a:b xmlns:a="u"/>
<a:b/>
<a xmlns="u" xmlns:x="u" x:b="1" b="2"/>
<a xmlns:x="u" xmlns:y="u" x:b="1" y:b="2"/>
<日本 é="ü">👩</日本>
<a>&#0;</a>
<a>&#xD800;</a>
<A></a>
<a >x</a >
< a/>
<a/ >
<a></ a>
<a
<a b="c
<a>x
</a>
<a><b/>x<b/></a>
<a xmlns:x="">x</a>
<a b="&lt;&quot;"/>
<a>&#x110000;</a>
<a-b.c_d/>
<_/>
<-/>
<!-- c --><a/><!-- d -->
<![CDATA[x]]>
<a>\u0001</a>
<a>\ufffe</a>
""".strip().split("\n")


def html_valid(text):
    parser = html5lib.HTMLParser()
    if text.lower().startswith("<!doctype"):
        parser.parse(text)
    else:
        parser.parseFragment(text, container="body")
    return not parser.errors


def xml_valid(text):
    try:
        expat.ParserCreate(namespace_separator=" ").Parse(text.encode("utf-8", "surrogatepass"), True)
        return True
    except expat.ExpatError:
        return False


def case(output, valid, **more):
    return {"expected": [], "output": output, "value": float(valid), "passed": bool(valid), **more}


# html5lib follows the standard of 2013; these have changed since, or are a bug of it.
HTML_SINCE = json.loads((pathlib.Path(__file__).parent / "markup_since.json").read_text()) \
    if (pathlib.Path(__file__).parent / "markup_since.json").exists() else {}

html = [case(text, HTML_SINCE.get(text, html_valid(text))) for text in HTML]
html += [
    case("Hello", False, why="there is no element"),
    case("", False, why="there is no element"),
    case("<order><item/></order>", False, why="`<order>` is no element of HTML"),
    case("<my-tag>x</my-tag>", True),
    case("<p>x</p>", False, options={"document": True}, why="it does not begin with `<!DOCTYPE html>`"),
    case("<!DOCTYPE html><p>x", True, options={"document": True}),
    case("<ul><li>x</ul>", True, options={"elements": ["ul", "LI"]}),
    case("<ul><li>x</ul>", False, options={"elements": ["ol"]}, why="there is no `<ol>`"),
    case("```html\n<p>x</p>\n```", True),
    case("<html><body><p>x</p></body></html>", True),
    case("<tr><td>x</td></tr>", False, why="`<tr>` stands in no table"),
    {"expected": [], "output": None, "value": 0.0, "passed": False, "why": "the extraction found nothing"},
]
xml = [case(text, xml_valid(text)) for text in XML]
xml += [
    case("<!DOCTYPE a><a/>", False),
    case(" \n<a/>\n", True),
    case("```xml\n<a/>\n```", False, why="it stands in a code fence; `extract: code_block` removes it"),
    case("", False),
    case("<x:order xmlns:x='u'><x:item/></x:order>", True, options={"root": "order", "elements": ["order/item"]}),
    case("<a><b/></a>", False, options={"root": "b"}, why="the root is `a`, not `b`"),
    case("<a><b/></a>", False, options={"elements": ["a/b", "a/c"]}, why="there is no element `a/c`"),
    case("<a/>text<b/>", True, options={"fragment": True}),
    case("<a/><b/>", True, options={"fragment": True, "elements": ["b"]}),
    case("text", False, options={"fragment": True}, why="there is no element"),
    case("</fragment><fragment>", False, options={"fragment": True}),
    case("<a/></fragment><fragment>", False, options={"fragment": True}),
    {"expected": [], "output": None, "value": 0.0, "passed": False, "why": "the extraction found nothing"},
]
for name, program, cases in [("is_html", "html5lib 1.1; the last 12 by hand", html),
                             ("is_xml", f"{expat.EXPAT_VERSION}; the last 13 by hand", xml)]:
    lines = ",\n    ".join(json.dumps(one) for one in cases)
    (FIXTURES / f"{name}.json").write_text(
        '{\n  "program": ' + json.dumps(program) + ',\n  "version": "1",\n  "cases": [\n    ' + lines + "\n  ]\n}\n")
    print(name, len(cases), sum(one["value"] for one in cases))
