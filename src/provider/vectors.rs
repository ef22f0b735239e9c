//! Vectors in replies, which must be whole: a number that is missing would shift all others.

use serde_json::Value;

/// The vectors in an array of arrays of numbers; `None` for anything else.
pub(super) fn list(from: &Value) -> Option<Vec<Vec<f32>>> {
    from.as_array()?.iter().map(vector).collect()
}

/// The vector in an array of numbers; `None` for anything else.
pub(super) fn vector(from: &Value) -> Option<Vec<f32>> {
    let number = |number: &Value| number.as_f64().map(|number| number as f32);
    let numbers = from.as_array()?.iter();
    numbers.map(|item| number(item).filter(|number| number.is_finite())).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_whole_vectors_are_read() {
        assert_eq!(list(&json!([[1, 0.5], [-2]])), Some(vec![vec![1.0, 0.5], vec![-2.0]]));
        assert_eq!(list(&json!([])), Some(Vec::new()));
        for odd in [json!([[1, null]]), json!([1]), json!([[1e300]]), json!({}), json!([["1"]])] {
            assert_eq!(list(&odd), None, "{odd}");
        }
    }
}
