//! Trait objects that show as the name of their trait.
//!
//! With `Debug` as a supertrait every vtable would keep the `Debug` of all that is behind it in the program, although
//! nobody ever prints a service.

/// Implements `Debug` for the trait objects of a trait, as its name.
macro_rules! opaque {
    ($name:ident) => {
        impl std::fmt::Debug for dyn $name + '_ {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    };
}

pub(crate) use opaque;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    trait Secretive {}

    opaque!(Secretive);

    /// Has no `Debug` at all.
    struct Vault;

    impl Secretive for Vault {}

    #[test]
    fn only_the_name_of_the_trait_is_shown() {
        let shown: Arc<dyn Secretive> = Arc::new(Vault);
        assert_eq!(format!("{shown:?}"), "Secretive");
    }
}
