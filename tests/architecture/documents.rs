//! The documents point at what exists and say the same in both languages.

use acceptance::programs::repository;
use anyhow::Result;

use crate::files;

#[test]
fn links_inside_the_documents_lead_somewhere() -> Result<()> {
    let mut dead = Vec::new();
    let root = repository();
    let mut documents = files(&root.join("docs"), ".md")?;
    documents.extend([
        root.join("README.md"),
        root.join("README.zh-CN.md"),
        root.join("CHANGELOG.md"),
    ]);
    for document in documents {
        let text = std::fs::read_to_string(&document)?;
        let here = document.parent().unwrap_or(&root);
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") && !here.join(file).exists() {
                dead.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
    Ok(())
}

/// What stands between fences, which is what people copy.
fn fenced(text: &str) -> Vec<String> {
    let code = |line: &&str| !line.trim_start().starts_with('#');
    text.split("```")
        .skip(1)
        .step_by(2)
        .map(|block| {
            block
                .lines()
                .filter(code)
                .map(|line| line.split(" #").next().unwrap_or("").trim_end())
                .collect::<Vec<_>>()
                .join("\n")
        })
        .collect()
}

#[test]
fn both_readmes_give_the_same_commands_and_configuration() -> Result<()> {
    let [english, chinese] =
        ["README.md", "README.zh-CN.md"].map(|name| std::fs::read_to_string(repository().join(name)));
    let [english, chinese] = [fenced(&english?), fenced(&chinese?)];
    assert!(!english.is_empty(), "the README shows no command");
    assert_eq!(english, chinese);
    Ok(())
}
