//! The query string: a route takes the parameters of its description, and no others.
//!
//! A misspelt `cursor` would otherwise be the first page once more, and a misspelt `limit` no limit.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{Method, StatusCode, Uri},
    middleware::Next,
    response::Response,
};
use utoipa::openapi::{
    OpenApi, RefOr,
    path::{Operation, ParameterIn},
};

use crate::ApiError;

/// Path, then method, then the names of the parameters.
type Names = BTreeMap<String, BTreeMap<Method, BTreeSet<String>>>;

/// What each route takes in its query.
#[derive(Clone)]
pub(crate) struct Declared(Arc<Names>);

impl Declared {
    pub(crate) fn of(described: &OpenApi) -> Self {
        let names = described.paths.paths.iter().map(|(path, item)| {
            let operations = [(Method::GET, &item.get), (Method::POST, &item.post)];
            let by_method = operations
                .into_iter()
                .filter_map(|(method, operation)| Some((method, taken_by(operation.as_ref()?))));
            (path.clone(), by_method.collect())
        });
        Self(Arc::new(names.collect()))
    }

    /// Why a query is none of this route's; `None` for a route that is not described.
    fn objection(&self, method: &Method, path: &str, uri: &Uri) -> Option<String> {
        // Whoever asks for the head alone asks for the same thing.
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let taken = self.0.get(path)?.get(method)?;
        let sent = match axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri) {
            Ok(axum::extract::Query(sent)) => sent,
            Err(rejection) => return Some(rejection.body_text()),
        };
        let mut seen = BTreeSet::new();
        for (name, value) in &sent {
            if !taken.contains(name) {
                return Some(unknown(name, taken));
            }
            if !seen.insert(name) {
                return Some(format!("Send `{name}` once."));
            }
            if value.contains('\0') {
                return Some(format!("`{name}` holds a character that no text has."));
            }
        }
        None
    }
}

fn taken_by(operation: &Operation) -> BTreeSet<String> {
    let parameters = operation.parameters.iter().flatten();
    parameters
        .filter_map(|parameter| match parameter {
            RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query => {
                Some(parameter.name.clone())
            }
            _ => None,
        })
        .collect()
}

fn unknown(name: &str, taken: &BTreeSet<String>) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
    let named: Vec<String> = taken.iter().map(|name| format!("`{name}`")).collect();
    let all =
        if named.is_empty() { "no query".to_owned() } else { format!("only {}", named.join(", ")) };
    format!("This route does not know `{name}`: it takes {all}.")
}

/// Turns away a request whose query is not one that its route takes.
pub(crate) async fn check(
    State(declared): State<Declared>,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let path = path.as_ref().map_or("", MatchedPath::as_str);
    match declared.objection(request.method(), path, request.uri()) {
        Some(why) => Err(ApiError::new(StatusCode::BAD_REQUEST, "query_invalid", why)),
        None => Ok(next.run(request).await),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_taken_only_as_it_is_described() {
        let declared = Declared::of(&crate::openapi());
        let page = "/v1/transactions";
        for (path, query, fits) in [
            (page, "", true),
            (page, "?cursor=3&limit=5", true),
            (page, "?cursr=3", false),
            (page, "?cursor=3&cursor=4", false),
            (page, "?cursor=%00", false),
            ("/v1/position", "?on=2026-12-01", false),
            ("/v1/evals/runs/{id}", "?id=1", false),
        ] {
            let uri: Uri = format!("{path}{query}").replace("{id}", "1").parse().unwrap();
            for method in [Method::GET, Method::HEAD] {
                let objection = declared.objection(&method, path, &uri);
                assert_eq!(objection.is_none(), fits, "{method} {path}{query}: {objection:?}");
            }
        }
    }
}
