//! As much of JSON Schema as the project's own schemas use. A keyword that it does not know is a panic, so that nothing
//! passes unchecked.

use serde_json::{Map, Value};

/// Every place where `value` is not what `schema` wants.
pub fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    check(schema, value, "config", &mut faults);
    faults
}

fn check(schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    for (keyword, rule) in schema.as_object().expect("a schema is an object") {
        let holds = match keyword.as_str() {
            "type" => has_type(value, rule.as_str().expect("one type")),
            "enum" => rule.as_array().unwrap().contains(value),
            "minimum" => value.as_f64().is_none_or(|number| number >= rule.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= rule.as_f64().unwrap()),
            "anyOf" => rule.as_array().unwrap().iter().any(|schema| self::faults(schema, value).is_empty()),
            "required" => {
                let object = value.as_object();
                let has =
                    |name: &Value| object.is_none_or(|object| object.contains_key(name.as_str().unwrap()));
                rule.as_array().unwrap().iter().all(has)
            }
            "additionalProperties" => {
                assert_eq!(rule, false);
                let known = schema["properties"].as_object().unwrap();
                members(value).all(|(name, _)| known.contains_key(name))
            }
            "properties" => {
                for (name, value) in members(value) {
                    if let Some(schema) = rule.get(name) {
                        check(schema, value, &format!("{at}.{name}"), faults);
                    }
                }
                true
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    check(rule, value, &format!("{at}[{index}]"), faults);
                }
                true
            }
            "default" | "description" => true,
            _ => panic!("{at}: the keyword {keyword} is not known here"),
        };
        if !holds {
            faults.push(format!("{at}: {keyword} {rule} does not hold for {value}"));
        }
    }
}

fn has_type(value: &Value, name: &str) -> bool {
    match name {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        _ => panic!("the type {name} is not known here"),
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}
