//! Which tables and columns a statement names, seen from where they stand.
//!
//! Names that the statement makes itself (`WITH`, subqueries, `AS`) are no tables and columns of the
//! database, and only where they hold: `SELECT secret AS secret` names a column all the same.

use std::{collections::HashSet, ops::ControlFlow};

use sqlparser::ast::{
    AssignmentTarget, Cte, Expr, GroupByExpr, Ident, JoinConstraint, JoinOperator, ObjectName,
    OrderByKind, Query, Select, SelectItem, SelectItemQualifiedWildcardKind, SetExpr, Statement,
    TableFactor, TableWithJoins, Visit as _, Visitor,
};

use super::Allowed;
use crate::scorer::compare::quoted;

/// What a name in FROM stands for.
#[derive(Debug, Clone)]
enum Source {
    /// A table of the database, by its last name.
    Table(String),
    /// Something that the statement makes, with its columns where they are known.
    Made(Option<Vec<String>>),
}

/// What holds within a query or a SELECT.
#[derive(Debug, Default)]
struct Scope {
    /// The names of `WITH`: address of the query, name, columns.
    with: Vec<(usize, String, Option<Vec<String>>)>,
    /// How many of these hold by now.
    holding: usize,
    recursive: bool,
    sources: Vec<(String, Source)>,
    aliases: Vec<String>,
    /// Addresses of the expressions in which the aliases hold.
    late: HashSet<usize>,
}

/// Looks for names that are not allowed.
#[derive(Debug)]
pub(super) struct Names<'a> {
    allowed: &'a Allowed,
    scopes: Vec<Scope>,
    /// Expressions under way in which aliases hold.
    late: usize,
}

fn address<T>(of: &T) -> usize {
    std::ptr::from_ref(of).addr()
}

fn last(name: &ObjectName) -> String {
    let part = name.0.last().and_then(|part| part.as_ident());
    part.map_or_else(|| name.to_string(), |ident| ident.value.clone()).to_lowercase()
}

fn full(name: &ObjectName) -> String {
    let part = |part: &sqlparser::ast::ObjectNamePart| {
        part.as_ident().map_or_else(|| part.to_string(), |ident| ident.value.clone())
    };
    name.0.iter().map(part).collect::<Vec<_>>().join(".").to_lowercase()
}

/// The columns that a query gives, as far as they have names; `None` with a wildcard.
fn given(query: &Query) -> Option<Vec<String>> {
    let mut body = &*query.body;
    loop {
        body = match body {
            SetExpr::Select(select) => return aliases(select, true),
            SetExpr::SetOperation { left, .. } => left,
            SetExpr::Query(inner) => &inner.body,
            _ => return None,
        };
    }
}

/// The names that a SELECT gives to what it selects; with `all` also those that it passes on.
fn aliases(select: &Select, all: bool) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for item in &select.projection {
        match item {
            SelectItem::ExprWithAlias { alias, .. } => names.push(alias.value.to_lowercase()),
            SelectItem::ExprWithAliases { aliases, .. } => {
                names.extend(aliases.iter().map(|alias| alias.value.to_lowercase()));
            }
            SelectItem::UnnamedExpr(Expr::Identifier(name)) if all => {
                names.push(name.value.to_lowercase());
            }
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) if all => {
                names.extend(parts.last().map(|part| part.value.to_lowercase()));
            }
            SelectItem::UnnamedExpr(_) => {}
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) if all => return None,
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => {}
        }
    }
    Some(names)
}

fn cte(table: &Cte) -> (usize, String, Option<Vec<String>>) {
    let columns = match table.alias.columns.as_slice() {
        [] => given(&table.query),
        written => Some(written.iter().map(|column| column.name.value.to_lowercase()).collect()),
    };
    (address(&*table.query), table.alias.name.value.to_lowercase(), columns)
}

/// Words that are no names in any dialect but one, where they are not in quotes.
const KEYWORDS: &[&str] =
    &["AND", "FROM", "GROUP", "HAVING", "OR", "ORDER", "SELECT", "UNION", "WHERE"];

/// A keyword where a table or a column should be: the parser takes any word there.
pub(super) fn misplaced_keyword(statements: &[Statement]) -> Option<String> {
    struct Keywords;
    fn look<'a>(names: impl IntoIterator<Item = &'a Ident>) -> ControlFlow<String> {
        let is_keyword = |name: &&Ident| {
            name.quote_style.is_none()
                && KEYWORDS.iter().any(|word| word.eq_ignore_ascii_case(&name.value))
        };
        match names.into_iter().find(is_keyword) {
            Some(name) => ControlFlow::Break(name.value.clone()),
            None => ControlFlow::Continue(()),
        }
    }
    impl Visitor for Keywords {
        type Break = String;

        fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<String> {
            look(name.0.first().and_then(|part| part.as_ident()))
        }

        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
            match expr {
                Expr::Identifier(name) => look([name]),
                Expr::CompoundIdentifier(names) => look(names.first()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    statements.iter().find_map(|statement| statement.visit(&mut Keywords).break_value())
}

/// Whether a query changes something after all.
pub(super) fn changes_anything(statement: &Statement) -> bool {
    struct Changes;
    impl Visitor for Changes {
        type Break = ();

        fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
            let mut bodies = vec![&*query.body];
            while let Some(body) = bodies.pop() {
                match body {
                    SetExpr::Insert(_)
                    | SetExpr::Update(_)
                    | SetExpr::Delete(_)
                    | SetExpr::Merge(_) => {
                        return ControlFlow::Break(());
                    }
                    SetExpr::Select(select) if select.into.is_some() => {
                        return ControlFlow::Break(());
                    }
                    SetExpr::SetOperation { left, right, .. } => bodies.extend([&**left, &**right]),
                    _ => {}
                }
            }
            ControlFlow::Continue(())
        }
    }
    statement.visit(&mut Changes).is_break()
}

impl<'a> Names<'a> {
    pub(super) fn new(allowed: &'a Allowed) -> Self {
        Self { allowed, scopes: Vec::new(), late: 0 }
    }

    /// The name of `WITH` that holds here.
    fn with(&self, name: &str) -> Option<&Option<Vec<String>>> {
        self.scopes.iter().rev().find_map(|scope| {
            let holding = if scope.recursive { scope.with.len() } else { scope.holding };
            let found = scope.with[..holding].iter().rev().find(|(_, known, _)| known == name);
            found.map(|(.., columns)| columns)
        })
    }

    fn sources(&self, tables: &[TableWithJoins]) -> Vec<(String, Source)> {
        let mut found = Vec::new();
        for table in tables {
            self.factor(&table.relation, &mut found);
            for join in &table.joins {
                self.factor(&join.relation, &mut found);
            }
        }
        found
    }

    fn factor(&self, factor: &TableFactor, found: &mut Vec<(String, Source)>) {
        let source = match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                let (name, single) = (last(name), name.0.len() == 1);
                let source = match self.with(&name).filter(|_| single) {
                    Some(columns) => Source::Made(columns.clone()),
                    None => Source::Table(name.clone()),
                };
                (alias.as_ref(), name, source)
            }
            TableFactor::Derived { subquery, alias, .. } => {
                (alias.as_ref(), String::new(), Source::Made(given(subquery)))
            }
            TableFactor::NestedJoin { table_with_joins, .. } => {
                found.extend(self.sources(std::slice::from_ref(&**table_with_joins)));
                return;
            }
            TableFactor::Table { alias, .. }
            | TableFactor::TableFunction { alias, .. }
            | TableFactor::Function { alias, .. } => {
                (alias.as_ref(), String::new(), Source::Made(None))
            }
            _ => return,
        };
        let (alias, name, source) = source;
        let Some(alias) = alias else {
            found.push((name, source));
            return;
        };
        let columns: Vec<String> =
            alias.columns.iter().map(|column| column.name.value.to_lowercase()).collect();
        let source = match source {
            Source::Made(_) if !columns.is_empty() => Source::Made(Some(columns)),
            other => other,
        };
        found.push((alias.name.value.to_lowercase(), source));
    }

    fn column(&self, qualifier: Option<&str>, name: &str) -> ControlFlow<String> {
        let Some(allowed) = &self.allowed.columns else { return ControlFlow::Continue(()) };
        let is_listed = |text: &str| allowed.iter().any(|known| known == text);
        let of = |table: &str| is_listed(&format!("{table}.{name}"));
        let mut fine = name != "*" && is_listed(name) || name == "*" && is_listed("*");
        let mut sources = self.scopes.iter().rev().flat_map(|scope| &scope.sources);
        fine |= match qualifier {
            Some(qualifier) => match sources.find(|(known, _)| known == qualifier) {
                Some((_, Source::Table(table))) => of(table),
                Some((_, Source::Made(columns))) => {
                    name == "*" || columns.as_ref().is_none_or(|all| all.iter().any(|c| c == name))
                }
                None => of(qualifier),
            },
            None => {
                self.is_known(name)
                    || sources
                        .any(|(_, source)| matches!(source, Source::Table(table) if of(table)))
            }
        };
        let late = self.late > 0 && qualifier.is_none();
        fine |=
            late && self.scopes.iter().rev().any(|scope| scope.aliases.iter().any(|a| a == name));
        if fine {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(format!("the column {} is not allowed", quoted(name)))
    }

    /// Whether a column without a table comes from what the statement makes.
    fn is_known(&self, name: &str) -> bool {
        for scope in self.scopes.iter().rev().filter(|scope| !scope.sources.is_empty()) {
            let made = |(_, source): &(String, Source)| match source {
                Source::Made(columns) => columns.as_ref().map(|all| all.iter().any(|c| c == name)),
                Source::Table(_) => Some(false),
            };
            let only_made =
                scope.sources.iter().all(|(_, source)| matches!(source, Source::Made(_)));
            if scope.sources.iter().any(|source| made(source) == Some(true))
                || (only_made && (name == "*" || scope.sources.iter().any(|s| made(s).is_none())))
            {
                return true;
            }
            if name == "*" {
                return false;
            }
        }
        false
    }

    fn columns(&self, names: &[ObjectName]) -> ControlFlow<String> {
        for name in names {
            self.column(None, &last(name))?;
        }
        ControlFlow::Continue(())
    }

    /// What changing statements name besides expressions.
    fn changed(&self, statement: &Statement) -> ControlFlow<String> {
        let (assignments, returning) = match statement {
            Statement::Insert(insert) => {
                self.columns(&insert.columns)?;
                for column in &insert.after_columns {
                    self.column(None, &column.value.to_lowercase())?;
                }
                if insert.columns.is_empty() && insert.assignments.is_empty() {
                    self.column(None, "*")?;
                }
                (insert.assignments.as_slice(), &insert.returning)
            }
            Statement::Update(update) => (update.assignments.as_slice(), &update.returning),
            Statement::Delete(delete) => (&[][..], &delete.returning),
            _ => return ControlFlow::Continue(()),
        };
        for assignment in assignments {
            match &assignment.target {
                AssignmentTarget::ColumnName(name) => self.columns(std::slice::from_ref(name))?,
                AssignmentTarget::Tuple(names) => self.columns(names)?,
            }
        }
        self.wildcards(returning.as_deref().unwrap_or_default())
    }

    /// All columns at once.
    fn wildcards(&self, items: &[SelectItem]) -> ControlFlow<String> {
        for item in items {
            match item {
                SelectItem::Wildcard(_) => self.column(None, "*")?,
                SelectItem::QualifiedWildcard(
                    SelectItemQualifiedWildcardKind::ObjectName(name),
                    _,
                ) => self.column(Some(&last(name)), "*")?,
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }
}

impl Visitor for Names<'_> {
    type Break = String;

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<String> {
        let tables = match statement {
            Statement::Update(update) => std::slice::from_ref(&update.table),
            Statement::Delete(delete) => match &delete.from {
                sqlparser::ast::FromTable::WithFromKeyword(tables)
                | sqlparser::ast::FromTable::WithoutKeyword(tables) => tables.as_slice(),
            },
            _ => &[],
        };
        let sources = self.sources(tables);
        self.scopes.push(Scope { sources, ..Scope::default() });
        self.changed(statement)
    }

    fn post_visit_statement(&mut self, _: &Statement) -> ControlFlow<String> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        let with = query.with.iter().flat_map(|with| &with.cte_tables).map(cte).collect();
        let recursive = query.with.as_ref().is_some_and(|with| with.recursive);
        self.scopes.push(Scope { with, recursive, ..Scope::default() });
        // `ORDER BY` is looked at after the SELECT, and sees what that sees.
        let mut scope = Scope::default();
        if let SetExpr::Select(select) = &*query.body {
            // All of `WITH` holds by then.
            if let Some(own) = self.scopes.last_mut() {
                own.holding = own.with.len();
            }
            scope.sources = self.sources(&select.from);
            if let Some(own) = self.scopes.last_mut() {
                own.holding = 0;
            }
        }
        scope.aliases = match &*query.body {
            SetExpr::Select(select) => aliases(select, false),
            _ => given(query),
        }
        .unwrap_or_default();
        if let Some(order) = &query.order_by
            && let OrderByKind::Expressions(expressions) = &order.kind
        {
            scope.late = expressions.iter().map(|by| address(&by.expr)).collect();
        }
        if let Some(own) = self.scopes.last_mut() {
            (own.sources, own.aliases, own.late) = (scope.sources, scope.aliases, scope.late);
            own.holding = 0;
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<String> {
        self.scopes.pop();
        if let Some(outer) = self.scopes.last_mut()
            && let Some(at) = outer.with.iter().position(|(known, ..)| *known == address(query))
        {
            outer.holding = at + 1;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<String> {
        let mut late = HashSet::new();
        if let GroupByExpr::Expressions(expressions, _) = &select.group_by {
            late.extend(expressions.iter().map(address));
        }
        late.extend(select.having.iter().map(address));
        let sources = self.sources(&select.from);
        let aliases = aliases(select, false).unwrap_or_default();
        self.scopes.push(Scope { sources, aliases, late, ..Scope::default() });
        self.wildcards(&select.projection)?;
        for join in select.from.iter().flat_map(|table| &table.joins) {
            let (JoinOperator::Join(constraint)
            | JoinOperator::Inner(constraint)
            | JoinOperator::Left(constraint)
            | JoinOperator::LeftOuter(constraint)
            | JoinOperator::Right(constraint)
            | JoinOperator::RightOuter(constraint)
            | JoinOperator::FullOuter(constraint)) = &join.join_operator
            else {
                continue;
            };
            if let JoinConstraint::Using(names) = constraint {
                self.columns(names)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, _: &Select) -> ControlFlow<String> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<String> {
        let Some(allowed) = &self.allowed.tables else { return ControlFlow::Continue(()) };
        let is_made = name.0.len() == 1 && self.with(&last(name)).is_some();
        let full = full(name);
        if is_made || allowed.contains(&full) {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(format!("the table {} is not allowed", quoted(&full)))
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        if self.scopes.last().is_some_and(|scope| scope.late.contains(&address(expr))) {
            self.late += 1;
        }
        match expr {
            Expr::Identifier(name) => self.column(None, &name.value.to_lowercase()),
            Expr::CompoundIdentifier(parts) => {
                let lower = |at: usize| parts.get(at).map(|part| part.value.to_lowercase());
                let name = lower(parts.len().wrapping_sub(1)).unwrap_or_default();
                self.column(lower(parts.len().wrapping_sub(2)).as_deref(), &name)
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<String> {
        if self.scopes.last().is_some_and(|scope| scope.late.contains(&address(expr))) {
            self.late = self.late.saturating_sub(1);
        }
        ControlFlow::Continue(())
    }
}
