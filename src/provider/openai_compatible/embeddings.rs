//! Vectors for texts.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, de::SeqAccess};
use serde_json::{Map, Value, json};

use super::{
    adapt::bad,
    cost::{self, WireCost},
    dialect::Dialect,
};
use crate::{
    domain::{
        fault::Fault,
        generation::{Embeddings, Usage},
        target::Target,
    },
    provider::{
        HttpReply, classify,
        loose::{Loose, Shape, WireObject},
        request_id,
    },
};

/// The body that asks `model` for the vectors of `texts`. Of the parameters only the extra ones are sent:
/// the others are about answers.
pub(in crate::provider) fn body(
    texts: &[String],
    model: &str,
    target: &Target,
    dialect: &Dialect,
) -> Result<Vec<u8>, Fault> {
    let Some(dimensions) = dialect.dimensions else {
        return Err(bad(format!("{} makes no embeddings", dialect.title)));
    };
    let mut fields = Map::new();
    for (name, value) in &target.params.extra {
        let name = if name == "dimensions" { dimensions } else { name };
        fields.insert(name.to_owned(), value.clone());
    }
    fields.insert("model".to_owned(), json!(model));
    fields.insert("input".to_owned(), json!(texts));
    serde_json::to_vec(&fields)
        .map_err(|error| bad(format!("the request cannot be written as JSON: {error}")))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Body {
    model: Loose<String>,
    data: Loose<Vec<Datum>>,
    usage: Loose<Billed>,
    error: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Datum {
    index: Loose<u64>,
    embedding: Loose<Vector>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Billed {
    prompt_tokens: Loose<u64>,
    total_tokens: Loose<u64>,
    #[serde(flatten)]
    cost: WireCost,
}

impl WireObject<'_> for Datum {}
impl WireObject<'_> for Billed {}

/// One vector, or those of a text's tokens.
#[derive(Debug)]
struct Vector(Vec<Cell>);

#[derive(Debug)]
enum Cell {
    Number(f32),
    Row(Vec<f32>),
}

impl<'de> Shape<'de> for Vector {
    /// Base64 of little-endian numbers of 32 bits.
    fn text(text: &str) -> Option<Self> {
        let bytes = BASE64_STANDARD.decode(text).ok()?;
        let (numbers, rest) = bytes.as_chunks::<4>();
        let numbers = numbers.iter().map(|bytes| Cell::Number(f32::from_le_bytes(*bytes)));
        rest.is_empty().then(|| Self(numbers.collect()))
    }

    /// A list with anything else in it is no vector: what is left would have other meanings.
    fn list<A: SeqAccess<'de>>(mut items: A) -> Result<Option<Self>, A::Error> {
        let mut cells = Some(Vec::new());
        while let Some(Loose(cell)) = items.next_element::<Loose<Cell>>()? {
            cells = cells.zip(cell).map(|(mut cells, cell)| {
                cells.push(cell);
                cells
            });
        }
        Ok(cells.map(Self))
    }
}

impl<'de> Shape<'de> for Cell {
    fn number(number: f64) -> Option<Self> {
        Some(Self::Number(number as f32))
    }

    fn list<A: SeqAccess<'de>>(mut items: A) -> Result<Option<Self>, A::Error> {
        let mut row = Some(Vec::new());
        while let Some(Loose(number)) = items.next_element::<Loose<f64>>()? {
            row = row.zip(number).map(|(mut row, number)| {
                row.push(number as f32);
                row
            });
        }
        Ok(row.map(Self::Row))
    }
}

impl Vector {
    /// One vector: that of a text whose tokens have one each is their mean.
    fn pooled(self) -> Option<Vec<f32>> {
        let mut plain = Vec::new();
        let mut sums: Vec<f64> = Vec::new();
        let mut rows = 0_u32;
        for cell in self.0 {
            match cell {
                Cell::Number(number) => plain.push(number),
                Cell::Row(row) => {
                    sums.resize(if rows == 0 { row.len() } else { sums.len() }, 0.0);
                    if row.len() != sums.len() {
                        return None;
                    }
                    rows += 1;
                    sums.iter_mut().zip(row).for_each(|(sum, number)| *sum += f64::from(number));
                }
            }
        }
        let vector = match (plain.is_empty(), rows) {
            (false, 0) => plain,
            (true, 1..) => sums.iter().map(|sum| (sum / f64::from(rows)) as f32).collect(),
            _ => return None,
        };
        let good = !vector.is_empty() && vector.iter().all(|number| number.is_finite());
        good.then_some(vector)
    }
}

/// The vectors in a whole reply.
pub(in crate::provider) fn reply(reply: &HttpReply<'_>) -> Result<Embeddings, Fault> {
    let body: Body = serde_json::from_slice(reply.body)
        .map_err(|error| classify::protocol(reply, &format!("the reply is not JSON ({error})")))?;
    if let Some(error) = classify::error_in(&json!({ "error": body.error })) {
        return Err(classify::inner_fault(&error, reply.status));
    }
    let Some(mut data) = body.data.0.filter(|data| !data.is_empty()) else {
        let other = serde_json::from_slice(reply.body).ok();
        let other = other.and_then(|body| classify::error_in(&body));
        return Err(other.map_or_else(
            || classify::protocol(reply, "the reply has no `data`"),
            |error| classify::inner_fault(&error, reply.status),
        ));
    };
    data.sort_by_key(|datum| datum.index.0);
    let vectors = data.into_iter().map(|datum| datum.embedding.0.and_then(Vector::pooled));
    let vectors: Option<Vec<Vec<f32>>> = vectors.collect();
    let same = |vectors: &Vec<Vec<f32>>| vectors.windows(2).all(|two| two[0].len() == two[1].len());
    let Some(vectors) = vectors.filter(same) else {
        return Err(classify::protocol(reply, "the reply has an `embedding` that is no vector"));
    };
    let billed = body.usage.0.unwrap_or_default();
    let tokens = billed.prompt_tokens.0.or(billed.total_tokens.0);
    let reported_cost = billed
        .cost
        .money(cost::in_dollars(reply.headers))
        .or_else(|| cost::in_headers(reply.headers));
    let usage = tokens.map(|input| Usage { input, ..Usage::default() });
    let request_id = request_id(reply.headers);
    Ok(Embeddings { vectors, usage, served_model: body.model.0, request_id, reported_cost })
}
