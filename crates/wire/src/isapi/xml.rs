//! XML as the JSON that it would have been, for devices say the same in either.

use alloc::string::ToString;

use roxmltree::{Document, Node, ParsingOptions};
use serde_json::{Map, Value};

use crate::limits::DEEPEST_NESTING;
use crate::malformed::Reason;

/// The most elements and texts of a document.
const MOST_NODES: u32 = 16 * 1024;

/// An object with the root's name and content. Elements that come more than once make a list; attributes are not looked at.
pub fn value(text: &str) -> Result<Value, Reason> {
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MOST_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, options).map_err(|_| Reason::NotXml)?;
    let root = document.root_element();
    let mut object = Map::new();
    object.insert(root.tag_name().name().to_string(), content(root, 0)?);
    Ok(Value::Object(object))
}

fn content(node: Node<'_, '_>, depth: usize) -> Result<Value, Reason> {
    if depth > DEEPEST_NESTING {
        return Err(Reason::TooDeep);
    }
    let mut fields = Map::new();
    for child in node.children().filter(Node::is_element) {
        let value = content(child, depth + 1)?;
        match fields.get_mut(child.tag_name().name()) {
            Some(Value::Array(list)) => list.push(value),
            Some(first) => *first = Value::Array([first.take(), value].into()),
            None => drop(fields.insert(child.tag_name().name().to_string(), value)),
        }
    }
    Ok(if fields.is_empty() {
        Value::String(node.text().unwrap_or_default().trim().to_string())
    } else {
        Value::Object(fields)
    })
}
