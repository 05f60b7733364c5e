//! Pages and their order: every list is asked for by `PageNumber` and `PageSize`, both required, and says how many
//! items there are in all.

use serde_json::{Value, json};

use super::Refusal;
use super::fields::Fields;

/// Items of a page at most.
pub(super) const MAX_PAGE_SIZE: i64 = 100;

/// Which page is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    number: i64,
    size: i64,
}

impl Page {
    /// Takes `PageNumber` (from 1) and `PageSize` (1 to [`MAX_PAGE_SIZE`]).
    pub(super) fn take(fields: &mut Fields) -> Result<Self, Refusal> {
        let number = fields.required_integer("PageNumber")?;
        if number < 1 {
            return Err(fields.invalid("PageNumber", "pages are counted from 1"));
        }
        let size = fields.required_integer("PageSize")?;
        if !(1..=MAX_PAGE_SIZE).contains(&size) {
            return Err(fields.invalid("PageSize", "a page has 1 to 100 items"));
        }
        Ok(Self { number, size })
    }

    /// That page of the items, under `key`.
    pub(super) fn of(self, key: &str, items: Vec<Value>) -> Value {
        let total = items.len();
        let skipped = self.number.saturating_sub(1).saturating_mul(self.size);
        let page: Vec<Value> = items
            .into_iter()
            .skip(usize::try_from(skipped).unwrap_or(usize::MAX))
            .take(usize::try_from(self.size).unwrap_or(0))
            .collect();
        let mut result = json!({ "PageNumber": self.number, "PageSize": self.size, "TotalCount": total });
        result[key] = page.into();
        result
    }
}

/// In which order the items come: by a field, or as they were made.
#[derive(Debug)]
pub(super) struct Order {
    field: Option<String>,
    descending: bool,
}

impl Order {
    /// Takes `SortField` and the boolean `SortDesc`.
    pub(super) fn take_with_flag(fields: &mut Fields, sortable: &[&str]) -> Result<Self, Refusal> {
        let field = sort_field(fields, sortable)?;
        Ok(Self { field, descending: fields.boolean("SortDesc")?.unwrap_or(false) })
    }

    /// Takes `SortField` and `SortDirection`, `Asc` or `Desc`.
    pub(super) fn take_with_direction(fields: &mut Fields, sortable: &[&str]) -> Result<Self, Refusal> {
        let field = sort_field(fields, sortable)?;
        let descending = match fields.text("SortDirection")? {
            None => false,
            Some(text) if text.eq_ignore_ascii_case("asc") => false,
            Some(text) if text.eq_ignore_ascii_case("desc") => true,
            Some(_) => return Err(fields.invalid("SortDirection", "neither Asc nor Desc")),
        };
        Ok(Self { field, descending })
    }

    /// Sorts items.
    pub(super) fn sort(&self, items: &mut [Value]) {
        if let Some(field) = &self.field {
            items.sort_by(|a, b| a[field].as_str().cmp(&b[field].as_str()));
        }
        if self.descending {
            items.reverse();
        }
    }
}

fn sort_field(fields: &mut Fields, sortable: &[&str]) -> Result<Option<String>, Refusal> {
    let field = fields.text("SortField")?;
    if field.as_deref().is_some_and(|field| !sortable.contains(&field)) {
        return Err(fields.invalid("SortField", "items cannot be sorted by this"));
    }
    Ok(field)
}

/// Whether an item passes a filter by a part of its text. Names match by a part, so whoever wants one exactly has to
/// compare for itself.
pub(super) fn contains(wanted: Option<&String>, text: &str) -> bool {
    wanted.is_none_or(|wanted| text.contains(wanted.as_str()))
}

/// Whether an item passes a filter by its whole text.
pub(super) fn equals(wanted: Option<&String>, text: &str) -> bool {
    wanted.is_none_or(|wanted| wanted == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: i64, size: i64) -> Value {
        let items = (1..=5).map(Value::from).collect();
        Page { number, size }.of("Data", items)
    }

    #[test]
    fn pages_cut_the_items_and_one_past_the_end_is_empty() {
        for (number, size, expected) in
            [(1, 2, json!([1, 2])), (3, 2, json!([5])), (4, 2, json!([])), (i64::MAX, 100, json!([]))]
        {
            let page = page(number, size);
            assert_eq!((&page["Data"], &page["TotalCount"]), (&expected, &json!(5)), "{number} {size}");
        }
    }

    #[test]
    fn items_come_by_field_and_direction() {
        let mut items = vec![json!({ "Name": "b" }), json!({ "Name": "a" }), json!({ "Name": "c" })];
        Order { field: Some("Name".into()), descending: true }.sort(&mut items);
        assert_eq!(json!(items), json!([{ "Name": "c" }, { "Name": "b" }, { "Name": "a" }]));
    }
}
