//! The products of a scenario file, which may be based on one another in any order.

use toml::Spanned;

use super::file::Reader;
use crate::{Product, ProductCatalog, TextError};

impl Reader<'_> {
    /// The catalogue with the products of the file.
    pub(super) fn products(
        &self,
        given: &[Spanned<Product>],
        catalog: &ProductCatalog,
    ) -> Result<ProductCatalog, TextError> {
        self.check_names(given, catalog)?;
        let mut catalog = catalog.clone();
        let mut waiting: Vec<_> = given.iter().enumerate().collect();
        while !waiting.is_empty() {
            let waits = |product: &Product| {
                let is_base = |other: &Spanned<Product>| {
                    Some(&other.get_ref().name) == product.based_on.as_ref()
                };
                waiting.iter().any(|(_, other)| is_base(other))
            };
            let Some(ready) = waiting.iter().position(|(_, product)| !waits(product.get_ref()))
            else {
                let waiting: Vec<_> = waiting.into_iter().map(|(_, product)| product).collect();
                return Err(self.circle(&waiting));
            };
            let (at, product) = waiting.remove(ready);
            let resolved = catalog.resolve(product.get_ref(), &self.table("product", at));
            catalog.insert(resolved.map_err(|message| self.error(product.span(), message))?);
        }
        Ok(catalog)
    }

    fn check_names(
        &self,
        given: &[Spanned<Product>],
        catalog: &ProductCatalog,
    ) -> Result<(), TextError> {
        for (at, product) in given.iter().enumerate() {
            let name = &product.get_ref().name;
            let refuse = |message: String| Err(self.error(product.span(), message));
            if catalog.get(name).is_some() {
                return refuse(format!(
                    "the `name` {name} is that of a built-in product: another one needs its own"
                ));
            }
            if given.iter().take(at).any(|earlier| earlier.get_ref().name == *name) {
                return refuse(format!("two products have the `name` {name}"));
            }
        }
        Ok(())
    }

    /// Of products that all wait for one another: the way round from the first of them.
    fn circle(&self, waiting: &[&Spanned<Product>]) -> TextError {
        let mut way: Vec<&Spanned<Product>> = waiting.iter().copied().take(1).collect();
        let mut names: Vec<&str> = Vec::new();
        while let Some(last) = way.last() {
            let last = last.get_ref();
            let seen = names.iter().position(|name| *name == last.name);
            names.push(&last.name);
            let next =
                waiting.iter().find(|one| Some(&one.get_ref().name) == last.based_on.as_ref());
            match (seen, next) {
                (None, Some(next)) => way.push(next),
                (from, _) => {
                    // Some lead into the circle and are no part of it.
                    let from = from.unwrap_or_default();
                    names.drain(..from);
                    way.drain(..from);
                    break;
                }
            }
        }
        let span = way.first().map_or(0..0, |product| product.span());
        let circle = names.join(" on ");
        self.error(span, format!("`based_on` goes in a circle: {circle}"))
    }
}
