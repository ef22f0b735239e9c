//! How much work a schema may make, seen before it is used.
//!
//! A schema is a graph: its subschemas lead to others by applicators and references. What leads on
//! without going down into the value (`allOf`, `$ref`, …) can multiply: thirty definitions that each
//! refer twice to the next look at one value a billion times. Such a schema is refused.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Steps that a schema may take over one value, without going down into it.
const MAX_STEPS: usize = 10_000;

/// Subschemas within one document.
const MAX_NODES: usize = 20_000;

/// Steps in all that are looked at here.
const MAX_WORK: usize = 5_000_000;

/// Longest chain of subschemas over one value.
const MAX_CHAIN: usize = 256;

const IN_PLACE: &[&str] = &["not", "if", "then", "else", "allOf", "anyOf", "oneOf"];
const IN_PLACE_MAPS: &[&str] = &["dependentSchemas", "dependencies"];
const DOWN: &[&str] = &[
    "additionalProperties",
    "additionalItems",
    "contains",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
    "items",
    "prefixItems",
];
const DOWN_MAPS: &[&str] = &["properties", "patternProperties"];
const DEFINITIONS: &[&str] = &["$defs", "definitions"];

/// What a schema is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Subschemas that may stand within each other over one value.
    pub(super) chain: usize,
    /// Whether it ends on its own: it does not come back to itself, not even further down.
    pub(super) is_finite: bool,
}

/// The shape of `document`, which is nested no deeper than JSON is read.
pub(super) fn shape(document: &Value) -> Result<Shape, String> {
    let mut graph = Graph { document, ..Graph::default_of(document) };
    graph.add("", document, "")?;
    graph.resolve()?;
    let (mut chain, mut work) = (0, 0);
    for start in 0..graph.nodes.len() {
        let mut walk = Walk::new(&graph, false);
        walk.from(start).map_err(|()| {
            format!("looks at one value in over {MAX_STEPS} ways; its references multiply")
        })?;
        chain = chain.max(walk.deepest);
        work += walk.steps;
        if work > MAX_WORK {
            return Err("is too large: its references multiply".to_owned());
        }
    }
    if chain > MAX_CHAIN {
        return Err(format!("refers {chain} times on for one value; at most {MAX_CHAIN}"));
    }
    let mut whole = Walk::new(&graph, true);
    let is_finite = graph.nodes.is_empty() || (whole.from(0).is_ok() && !whole.came_back);
    Ok(Shape { chain, is_finite })
}

#[derive(Debug, Default)]
struct Node {
    in_place: Vec<usize>,
    down: Vec<usize>,
    /// References, and the pointer of the resource that they stand in.
    refs: Vec<(String, String)>,
    dynamic_refs: Vec<String>,
}

#[derive(Debug)]
struct Graph<'a> {
    document: &'a Value,
    nodes: Vec<Node>,
    /// Nodes by their JSON pointers.
    at: HashMap<String, usize>,
    /// Nodes by the pointer of their resource and their anchor.
    anchors: HashMap<(String, String), usize>,
    dynamic: HashMap<String, Vec<usize>>,
    /// Pointers of resources by the last part of their `$id`.
    resources: HashMap<String, Vec<String>>,
}

/// The last part of an address, which tells resources apart well enough to be careful.
fn tail(address: &str) -> &str {
    let address = address.split('#').next().unwrap_or_default();
    address.rsplit(['/', ':']).next().unwrap_or_default()
}

impl<'a> Graph<'a> {
    fn default_of(document: &'a Value) -> Self {
        Self {
            document,
            nodes: Vec::new(),
            at: HashMap::new(),
            anchors: HashMap::new(),
            dynamic: HashMap::new(),
            resources: HashMap::new(),
        }
    }

    /// Adds the schema at `pointer` with all below it; `None` when it is none.
    fn add(
        &mut self,
        pointer: &str,
        schema: &Value,
        resource: &str,
    ) -> Result<Option<usize>, String> {
        let Some(schema) = schema.as_object() else { return Ok(None) };
        if let Some(known) = self.at.get(pointer) {
            return Ok(Some(*known));
        }
        if self.nodes.len() >= MAX_NODES {
            return Err(format!("has over {MAX_NODES} subschemas"));
        }
        let id = self.nodes.len();
        self.nodes.push(Node::default());
        self.at.insert(pointer.to_owned(), id);
        let resource = self.name(id, pointer, schema, resource);
        for (keyword, value) in schema {
            let inner = format!("{pointer}/{}", escaped(keyword));
            let found = self.below(keyword, &inner, value, &resource)?;
            let down = DOWN.contains(&keyword.as_str()) || DOWN_MAPS.contains(&keyword.as_str());
            let in_place =
                IN_PLACE.contains(&keyword.as_str()) || IN_PLACE_MAPS.contains(&keyword.as_str());
            if down {
                self.nodes[id].down.extend(found);
            } else if in_place {
                self.nodes[id].in_place.extend(found);
            }
        }
        Ok(Some(id))
    }

    /// Takes note of the names that a schema gives itself and of what it refers to. Gives the
    /// pointer of the resource that it is in.
    fn name(
        &mut self,
        id: usize,
        pointer: &str,
        schema: &Map<String, Value>,
        resource: &str,
    ) -> String {
        let text = |key: &str| schema.get(key).and_then(Value::as_str);
        let mut resource = resource.to_owned();
        for own in [text("$id"), text("id")].into_iter().flatten() {
            // Up to draft 7 an `$id` may be nothing but an anchor.
            if let Some(anchor) = own.strip_prefix('#') {
                self.anchors.insert((resource.clone(), anchor.to_owned()), id);
            } else {
                pointer.clone_into(&mut resource);
                self.resources.entry(tail(own).to_owned()).or_default().push(resource.clone());
            }
        }
        for anchor in [text("$anchor"), text("$dynamicAnchor")].into_iter().flatten() {
            self.anchors.insert((resource.clone(), anchor.to_owned()), id);
        }
        if let Some(anchor) = text("$dynamicAnchor") {
            self.dynamic.entry(anchor.to_owned()).or_default().push(id);
        }
        if schema.get("$recursiveAnchor") == Some(&Value::Bool(true)) {
            self.dynamic.entry(String::new()).or_default().push(id);
        }
        for keyword in ["$ref", "$dynamicRef", "$recursiveRef"] {
            let Some(reference) = text(keyword) else { continue };
            self.nodes[id].refs.push((reference.to_owned(), resource.clone()));
            if keyword != "$ref" {
                let anchor = reference.split_once('#').map_or("", |(_, anchor)| anchor);
                self.nodes[id].dynamic_refs.push(anchor.to_owned());
            }
        }
        resource
    }

    /// The schemas under one keyword.
    fn below(
        &mut self,
        keyword: &str,
        pointer: &str,
        value: &Value,
        resource: &str,
    ) -> Result<Vec<usize>, String> {
        let of = |lists: &[&[&str]]| lists.iter().any(|list| list.contains(&keyword));
        let mut found = Vec::new();
        match value {
            Value::Object(map) if of(&[IN_PLACE_MAPS, DOWN_MAPS, DEFINITIONS]) => {
                for (key, inner) in map {
                    let at = format!("{pointer}/{}", escaped(key));
                    found.extend(self.add(&at, inner, resource)?);
                }
            }
            Value::Array(items) if of(&[IN_PLACE, DOWN]) => {
                for (index, inner) in items.iter().enumerate() {
                    found.extend(self.add(&format!("{pointer}/{index}"), inner, resource)?);
                }
            }
            Value::Object(_) if of(&[IN_PLACE, DOWN]) => {
                found.extend(self.add(pointer, value, resource)?);
            }
            _ => {}
        }
        Ok(found)
    }

    /// Follows the references; those that lead out of the document lead nowhere here.
    fn resolve(&mut self) -> Result<(), String> {
        let mut next = 0;
        // What a pointer finds in an unusual place adds nodes, which are then followed too.
        while next < self.nodes.len() {
            let refs = std::mem::take(&mut self.nodes[next].refs);
            for (reference, resource) in refs {
                for target in self.targets(&reference, &resource)? {
                    self.nodes[next].in_place.push(target);
                }
            }
            let names = std::mem::take(&mut self.nodes[next].dynamic_refs);
            for targets in names.iter().filter_map(|name| self.dynamic.get(name)) {
                self.nodes[next].in_place.extend(targets);
            }
            next += 1;
        }
        Ok(())
    }

    fn targets(&mut self, reference: &str, resource: &str) -> Result<Vec<usize>, String> {
        let (address, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let resources = match address {
            "" => vec![resource.to_owned()],
            address => self.resources.get(tail(address)).cloned().unwrap_or_default(),
        };
        let fragment = unescaped(fragment);
        let mut found = Vec::new();
        for resource in resources {
            if fragment.is_empty() || fragment.starts_with('/') {
                let pointer = format!("{resource}{fragment}");
                let document = self.document;
                if let Some(schema) = document.pointer(&pointer) {
                    found.extend(self.add(&pointer, schema, &resource)?);
                }
            } else {
                found.extend(self.anchors.get(&(resource, fragment.clone())));
            }
        }
        Ok(found)
    }
}

/// Every way through the graph from one node; what is on the way already is not entered again.
struct Walk<'a> {
    graph: &'a Graph<'a>,
    /// Whether to go down into the value too.
    down: bool,
    on_way: Vec<bool>,
    depth: usize,
    deepest: usize,
    steps: usize,
    came_back: bool,
}

impl<'a> Walk<'a> {
    fn new(graph: &'a Graph<'a>, down: bool) -> Self {
        let on_way = vec![false; graph.nodes.len()];
        Self { graph, down, on_way, depth: 0, deepest: 0, steps: 0, came_back: false }
    }

    /// Fails when there are too many ways. Goes no deeper than it needs to know.
    fn from(&mut self, node: usize) -> Result<(), ()> {
        if self.on_way[node] {
            self.came_back = true;
            return Ok(());
        }
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(());
        }
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        if self.depth > 4 * MAX_CHAIN {
            self.depth -= 1;
            return if self.down { Err(()) } else { Ok(()) };
        }
        self.on_way[node] = true;
        let graph = self.graph;
        let Node { in_place, down, .. } = &graph.nodes[node];
        let down = if self.down { down.as_slice() } else { &[] };
        for next in in_place.iter().chain(down) {
            self.from(*next)?;
        }
        self.on_way[node] = false;
        self.depth -= 1;
        Ok(())
    }
}

/// A key as a JSON pointer has it.
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// A fragment without percent signs.
fn unescaped(fragment: &str) -> String {
    if !fragment.contains('%') {
        return fragment.to_owned();
    }
    let (mut bytes, mut rest) = (Vec::new(), fragment.as_bytes());
    while let [first, after @ ..] = rest {
        let code = match after {
            [high, low, ..] if *first == b'%' => std::str::from_utf8(&[*high, *low])
                .ok()
                .and_then(|hex| u8::from_str_radix(hex, 16).ok()),
            _ => None,
        };
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn chain(n: usize, width: usize) -> Value {
        let next = |i: usize| vec![json!({"$ref": format!("#/$defs/d{}", i + 1)}); width];
        let mut defs: Map<String, Value> =
            (0..n).map(|i| (format!("d{i}"), json!({"allOf": next(i)}))).collect();
        defs.insert(format!("d{n}"), json!({"type": "integer"}));
        json!({"$ref": "#/$defs/d0", "$defs": defs})
    }

    #[test]
    fn references_that_multiply_are_refused() {
        assert!(shape(&chain(10, 2)).is_ok());
        let error = shape(&chain(30, 2)).expect_err("2^30 ways");
        assert!(error.contains("10000 ways"), "{error}");
        let error = shape(&chain(400, 1)).expect_err("a chain");
        assert!(error.contains("at most 256"), "{error}");
        let everyone: Vec<Value> =
            (0..20).map(|i| json!({"$ref": format!("#/$defs/d{i}")})).collect();
        let defs: Map<String, Value> =
            (0..20).map(|i| (format!("d{i}"), json!({"anyOf": everyone}))).collect();
        assert!(shape(&json!({"$ref": "#/$defs/d0", "$defs": defs})).is_err());
    }

    #[test]
    fn schemas_that_come_back_to_themselves_are_told_apart() {
        let check = |schema: Value, is_finite: bool| {
            assert_eq!(shape(&schema).expect("fine").is_finite, is_finite, "{schema}");
        };
        check(json!(true), true);
        check(json!({"$ref": "#"}), false);
        check(json!({"properties": {"a": {"$ref": "#"}}}), false);
        check(json!({"properties": {"$ref": {"type": "string"}}}), true);
        check(
            json!({"properties": {"a": {"$ref": "#/$defs/x%20y~1"}}, "$defs": {"x y/": {}}}),
            true,
        );
        check(
            json!({"$defs": {"t": {"$anchor": "t", "items": {"$ref": "#t"}}}, "$ref": "#t"}),
            false,
        );
        check(
            json!({"$id": "http://a/b.json", "$dynamicAnchor": "n", "items": {"$dynamicRef": "#n"}}),
            false,
        );
        check(json!({"$id": "http://a/b.json", "items": {"$ref": "b.json"}}), false);
        check(json!({"$ref": "http://json-schema.org/draft-07/schema#"}), true);
        check(json!({"x": {"y": {"items": {"$ref": "#/x/y"}}}, "$ref": "#/x/y"}), false);
    }
}
