//! The dataset of a plan: from the entry as written to rows that were checked once.

use std::{ops::ControlFlow, sync::Arc};

use serde_json::{Value, json};

use super::{Inputs, PlanError, known_formats};
use crate::{
    config::{
        At, ConfigError, File, Place,
        entry::{ChoicesMap, DatasetMap, ExpectedEntry, ExpectedMap},
        error::suggestion,
        variables,
    },
    dataset::{self, Choices, Dataset, DatasetError, Field, Fields, Format, Select, Source},
    domain::{sample::Vars, slice::TAGS},
    extract::Pipeline,
    prompt::Template,
};

/// Opens and checks the dataset. Gives it with its location as shown to people.
pub(super) async fn open(file: &File, inputs: Inputs<'_>) -> Result<(Dataset, String), PlanError> {
    let missing = || {
        ConfigError::new(inputs.origin, Place::default(), "no dataset is named")
            .hint("add `dataset: rows.csv` to the config, or name a file: evals run rows.csv")
    };
    let entry = file.dataset.as_ref().ok_or_else(missing)?;
    let data = &entry.value.0;
    let place = |at: Place| if at.line == 0 { entry.place } else { at };
    let path = data.path.as_ref().ok_or_else(missing)?;
    let location = variables::fill_in(&path.value, inputs.lookup).map_err(|message| {
        ConfigError::new(inputs.origin, place(path.place), message)
            .hint("give it with `-D NAME=VALUE`, or as an environment variable")
    })?;
    let source = Source {
        location: location.clone(),
        format: data.format.as_ref().map(|format| self::format(format, inputs)).transpose()?,
        base_dir: inputs.base_dir.to_owned(),
    };
    let fields = fields(data, inputs)?;
    let select = select(data, inputs)?;
    let at_fault = |error| blame(error, data, entry.place, inputs);
    let local = dataset::fetch(&source, &mut tokio::io::stdin()).await.map_err(at_fault)?;
    let checked =
        tokio::task::spawn_blocking(move || Dataset::check(local, &fields, select)).await.map_err(
            |_| ConfigError::new(inputs.origin, entry.place, "reading the dataset broke off"),
        )?;
    Ok((checked.map_err(at_fault)?, location))
}

/// Refuses to slice by a column that the dataset does not have.
pub(super) fn check_slices(
    file: &File,
    columns: &[String],
    inputs: Inputs<'_>,
) -> Result<(), ConfigError> {
    for written in &file.slices {
        let name = written.value.as_str();
        if TAGS.contains(&name) || columns.iter().any(|column| column == name) {
            continue;
        }
        let origin = inputs.origin_of(written.place, "--slice");
        let message = format!("there is no column `{name}` to slice by");
        let known = columns.iter().map(String::as_str);
        return Err(ConfigError::new(origin, written.place, message)
            .hint(suggestion(name, known, "columns")));
    }
    Ok(())
}

/// Says which line of the config a dataset's error is about. What is wrong inside a file of rows has
/// a place of its own there.
fn blame(error: DatasetError, data: &DatasetMap, entry: Place, inputs: Inputs<'_>) -> PlanError {
    fn place<T>(value: Option<&At<T>>) -> Option<Place> {
        value.map(|at| at.place).filter(|place| place.line > 0)
    }
    let at = match &error {
        DatasetError::NotFound { .. }
        | DatasetError::Glob { .. }
        | DatasetError::NoFiles { .. }
        | DatasetError::MixedFormats { .. }
        | DatasetError::UnknownFormat { .. }
        | DatasetError::Fetch { .. }
        | DatasetError::Status { .. } => place(data.path.as_ref()),
        DatasetError::UnknownColumn { what, .. } => match *what {
            "the id" => place(data.id.as_ref()),
            "the input" => place(data.input.as_ref()),
            "the expected answer" => place(data.expected.as_ref()),
            "the metadata" => place(data.metadata.first()),
            "the cluster" => place(data.cluster.as_ref()),
            "the list of tags" => place(data.tags.as_ref()),
            "the choices" => place(data.choices.as_ref()),
            _ => place(data.filter.as_ref()),
        },
        DatasetError::Filter(_) => place(data.filter.as_ref()),
        DatasetError::NothingSelected { .. } => None,
        _ => return error.into(),
    };
    let at = at.unwrap_or(entry);
    if at.line == 0 {
        error.into()
    } else {
        ConfigError::new(inputs.origin, at, error.to_string()).into()
    }
}

fn format(written: &At<String>, inputs: Inputs<'_>) -> Result<Format, ConfigError> {
    written.value.parse().map_err(|_| {
        let message = format!("there is no dataset format `{}`", written.value);
        ConfigError::new(inputs.origin, written.place, message).hint(suggestion(
            &written.value,
            known_formats().iter().copied(),
            "formats",
        ))
    })
}

fn fields(data: &DatasetMap, inputs: Inputs<'_>) -> Result<Fields, ConfigError> {
    let text = |value: &Option<At<String>>| value.as_ref().map(|at| at.value.clone());
    let mut fields = Fields {
        id: text(&data.id),
        input: data.input.as_ref().map(|at| column_or_template(at, inputs)).transpose()?,
        expected: None,
        refine_expected: None,
        metadata: data.metadata.iter().map(|at| at.value.clone()).collect(),
        cluster: text(&data.cluster),
        tags: text(&data.tags),
        choices: data
            .choices
            .as_ref()
            .map(|at| choices(&at.value.0, at.place, inputs))
            .transpose()?,
    };
    let Some(expected) = &data.expected else { return Ok(fields) };
    match &expected.value {
        ExpectedEntry::Text(text) => {
            let at = At { value: text.clone(), place: expected.place };
            fields.expected = Some(column_or_template(&at, inputs)?);
        }
        ExpectedEntry::Columns(columns) => fields.expected = Some(many(columns)),
        ExpectedEntry::Map(map) => {
            fields.expected = expected_field(map, expected.place, inputs)?;
            if let Some(extract) = &map.extract {
                let pipeline =
                    Pipeline::from_value("expected", &extract.value).map_err(|error| {
                        ConfigError::new(inputs.origin, extract.place, error.to_string())
                    })?;
                fields.refine_expected = Some(Arc::new(move |text| pipeline.apply(text)));
            }
        }
    }
    Ok(fields)
}

fn choices(map: &ChoicesMap, place: Place, inputs: Inputs<'_>) -> Result<Choices, ConfigError> {
    let error = |message: &str| Err(ConfigError::new(inputs.origin, place, message));
    let columns: Vec<String> =
        map.column.iter().chain(&map.columns).map(|at| at.value.clone()).collect();
    if columns.is_empty() || (map.column.is_some() && !map.columns.is_empty()) {
        return error("`choices` takes one of `column` and `columns`");
    }
    let index = map.index.as_ref().map(|at| at.value);
    if index.is_some_and(|index| index > 1) {
        return error("`index` of `choices` is 0 or 1");
    }
    let shuffle = map.shuffle.as_ref().map(|at| at.value);
    Ok(Choices { columns, index, shuffle, circular: map.circular })
}

fn expected_field(
    map: &ExpectedMap,
    place: Place,
    inputs: Inputs<'_>,
) -> Result<Option<Field>, ConfigError> {
    match (&map.column, map.columns.as_slice(), &map.template) {
        (Some(column), [], None) => Ok(Some(Field::Column(column.value.clone()))),
        (None, [], Some(template)) => self::template(template, inputs).map(Some),
        (None, [], None) => Ok(None),
        (None, columns, None) => Ok(Some(many(columns))),
        _ => Err(ConfigError::new(
            inputs.origin,
            place,
            "`expected` takes one of `column`, `columns` and `template`",
        )),
    }
}

fn many(columns: &[At<String>]) -> Field {
    Field::Columns(columns.iter().map(|at| at.value.clone()).collect())
}

fn column_or_template(written: &At<String>, inputs: Inputs<'_>) -> Result<Field, ConfigError> {
    if written.value.contains("{{") {
        template(written, inputs)
    } else {
        Ok(Field::Column(written.value.clone()))
    }
}

fn template(written: &At<String>, inputs: Inputs<'_>) -> Result<Field, ConfigError> {
    let template = Template::compile(&written.value).map_err(|error| {
        ConfigError::new(inputs.origin, written.place, format!("the template is wrong: {error}"))
    })?;
    Ok(Field::Made {
        needs: template.variables().iter().cloned().collect(),
        make: Arc::new(move |vars: &Vars| template.render(vars).map_err(|error| error.to_string())),
    })
}

fn select(data: &DatasetMap, inputs: Inputs<'_>) -> Result<Select, ConfigError> {
    Ok(Select {
        filter: data.filter.as_ref().map(|at| at.value.clone()),
        range: data.range.as_ref().map(|range| self::range(range, inputs)).transpose()?,
        only_ids: inputs.only_ids.cloned(),
        shuffle: data.shuffle.as_ref().map(|at| at.value),
        sample: data.sample.as_ref().map(|at| (at.value.0.count, at.value.0.seed)),
        limit: data.limit.as_ref().map(|at| at.value),
    })
}

fn range(written: &At<String>, inputs: Inputs<'_>) -> Result<(u64, Option<u64>), ConfigError> {
    let number = |text: &str, absent: Option<u64>| match text.trim() {
        "" => ControlFlow::Continue(absent),
        text => text.parse().map_or(ControlFlow::Break(()), |n| ControlFlow::Continue(Some(n))),
    };
    if let Some((from, to)) = written.value.split_once("..")
        && let (ControlFlow::Continue(Some(from)), ControlFlow::Continue(to)) =
            (number(from, Some(0)), number(to, None))
        && to.is_none_or(|to| from < to)
    {
        return Ok((from, to));
    }
    Err(ConfigError::new(inputs.origin, written.place, format!("`{}` is no range", written.value))
        .hint("write it as `0..100`, `100..` or `..100`; rows count from 0"))
}

/// The choices entry for the stored header.
pub(super) fn choices_json(map: &ChoicesMap) -> Value {
    let columns = map.column.iter().chain(&map.columns).map(|at| at.value.as_str());
    json!({
        "columns": columns.collect::<Vec<_>>(),
        "index": map.index.as_ref().map(|at| at.value),
        "shuffle": map.shuffle.as_ref().map(|at| at.value),
        "circular": map.circular,
    })
}

/// The expected entry for the stored header.
pub(super) fn expected_json(entry: &ExpectedEntry) -> Value {
    let texts = |columns: &[At<String>]| -> Value {
        columns.iter().map(|at| at.value.as_str()).collect::<Vec<_>>().into()
    };
    match entry {
        ExpectedEntry::Text(text) => json!(text),
        ExpectedEntry::Columns(columns) => texts(columns),
        ExpectedEntry::Map(map) => json!({
            "column": map.column.as_ref().map(|at| at.value.as_str()),
            "columns": texts(&map.columns),
            "template": map.template.as_ref().map(|at| at.value.as_str()),
            "extract": map.extract.as_ref().map(|at| at.value.clone()),
        }),
    }
}
