//! Which family of models a model is of, by its id: judges tend to favour their own.

/// Families with what the ids of their models begin a word with.
const FAMILIES: [(&str, &[&str]); 14] = [
    ("Claude", &["claude"]),
    ("GPT", &["gpt", "chatgpt", "o1", "o3", "o4"]),
    ("Gemini", &["gemini", "gemma"]),
    ("Llama", &["llama"]),
    ("Mistral", &["mistral", "mixtral", "ministral", "magistral", "codestral", "pixtral"]),
    ("Qwen", &["qwen", "qwq"]),
    ("DeepSeek", &["deepseek"]),
    ("Command", &["command"]),
    ("Grok", &["grok"]),
    ("Nova", &["nova"]),
    ("Phi", &["phi"]),
    ("GLM", &["glm", "chatglm"]),
    ("Kimi", &["kimi", "moonshot"]),
    ("Jamba", &["jamba"]),
];

/// The family of the model with this id; `None` where that does not say.
pub fn of(model: &str) -> Option<&'static str> {
    let id = model.to_lowercase();
    let words: Vec<&str> = id.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let begins = |name: &&str| {
        words.iter().any(|word| {
            let rest = word.strip_prefix(name);
            rest.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || "ov".contains(c)))
        })
    };
    FAMILIES.iter().find(|(_, names)| names.iter().any(&begins)).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_of_one_family_by_many_names() {
        for (model, family) in [
            ("claude-sonnet-4-5", Some("Claude")),
            ("us.anthropic.claude-3-haiku-20240307-v1:0", Some("Claude")),
            ("gpt-4o-mini", Some("GPT")),
            ("o3", Some("GPT")),
            ("gpt4", Some("GPT")),
            ("meta-llama/Llama-3.3-70B-Instruct", Some("Llama")),
            ("llama3.2:1b", Some("Llama")),
            ("qwen2.5", Some("Qwen")),
            ("amazon.nova-lite-v1:0", Some("Nova")),
            ("innovator", None),
            ("judge", None),
            ("", None),
        ] {
            assert_eq!(of(model), family, "{model}");
        }
    }
}
