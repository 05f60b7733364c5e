//! Walking through the pages of a `List…` action.

use super::envelope::CallError;
use crate::base::error::{Code, Error};

/// Items to ask for in one page; the documented maximum of the workload lists, which the others take as well.
pub const PAGE_SIZE: u32 = 100;
/// Pages after which a list counts as endless: 100,000 items are no answer to a person's question.
pub const MAX_PAGES: u32 = 1000;

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// Its items.
    pub items: Vec<T>,
    /// How many items all pages have, as the service says (`TotalCount`); some say it on no page.
    pub total: Option<u64>,
}

/// Visits items page by page, from page 1, until `visit` has found what it wants or there are no more: a page is empty, or
/// as many items were seen as the service says there are. A last page that is not full does not end the walk by itself,
/// since a service may give fewer than asked for.
///
/// # Errors
/// Whatever `fetch` fails with; `CloudInvalid` after [`MAX_PAGES`] pages.
pub fn find<T, R>(
    mut fetch: impl FnMut(u32) -> Result<Page<T>, CallError>,
    mut visit: impl FnMut(T) -> Option<R>,
) -> Result<Option<R>, CallError> {
    let mut seen = 0;
    for number in 1..=MAX_PAGES {
        let page = fetch(number)?;
        if page.items.is_empty() {
            return Ok(None);
        }
        seen += page.items.len() as u64;
        if let Some(found) = page.items.into_iter().find_map(&mut visit) {
            return Ok(Some(found));
        }
        if page.total.is_some_and(|total| seen >= total) {
            return Ok(None);
        }
    }
    Err(Error::new(Code::CloudInvalid, format!("the list has no end after {MAX_PAGES} pages")).into())
}

/// All items of all pages.
///
/// # Errors
/// As [`find`].
pub fn all<T>(fetch: impl FnMut(u32) -> Result<Page<T>, CallError>) -> Result<Vec<T>, CallError> {
    let mut items = Vec::new();
    find(fetch, |item| {
        items.push(item);
        None::<()>
    })?;
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service with these pages.
    fn service(pages: Vec<Vec<u32>>, total: Option<u64>) -> impl FnMut(u32) -> Result<Page<u32>, CallError> {
        move |number| Ok(Page { items: pages.get(number as usize - 1).cloned().unwrap_or_default(), total })
    }

    #[test]
    fn a_walk_ends_at_the_total_or_at_an_empty_page() {
        let pages = vec![vec![1, 2], vec![3]];
        for total in [Some(3), None, Some(99)] {
            assert_eq!(all(service(pages.clone(), total)).unwrap(), [1, 2, 3], "{total:?}");
        }
        let mut asked = 0;
        let counted = |number| {
            asked = number;
            service(pages.clone(), Some(3))(number)
        };
        assert_eq!(all(counted).unwrap().len(), 3);
        assert_eq!(asked, 2, "no further page is asked for");
        assert!(all(service(Vec::new(), Some(7))).unwrap().is_empty());
    }

    #[test]
    fn what_is_found_early_saves_the_rest() {
        let mut asked = 0;
        let endless = |number| {
            asked = number;
            Ok(Page { items: vec![number], total: None })
        };
        assert_eq!(find(endless, |item| (item == 2).then_some("two")).unwrap(), Some("two"));
        assert_eq!(asked, 2);
    }

    #[test]
    fn a_list_without_end_is_an_error() {
        let outcome = all(|number| Ok(Page { items: vec![number], total: None }));
        assert_eq!(Error::from(outcome.unwrap_err()).code(), Code::CloudInvalid);
    }
}
