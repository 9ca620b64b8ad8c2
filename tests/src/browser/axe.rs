//! axe-core, run in the page.

use super::session::Session;
use serde_json::{Value, json};
use std::path::Path;

/// Colours that are still changing would be measured in between, so they are brought to their end.
const RUN: &str = "
    const [rules] = arguments;
    const options = { resultTypes: ['violations'] };
    if (rules.length) options.runOnly = { type: 'rule', values: rules };
    const line = ({ id, help }, { target, any, all, none }) => {
        const why = [...any, ...all, ...none].map(({ message }) => message).join('; ');
        return `${id} (${help}): ${target.join(' ')}: ${why}`;
    };
    return (async () => {
        for (const animation of document.getAnimations()) {
            if (animation.effect?.getComputedTiming().endTime !== Infinity) animation.finish();
        }
        const { violations } = await window.axe.run(document, options);
        return violations.flatMap((rule) => rule.nodes.map((node) => line(rule, node)));
    })();";

/// What the script finds, one line each: the rule, what it asks for, and where.
pub fn barriers(session: &Session, script: &Path, rules: &[&str]) -> Vec<String> {
    // Once for a document.
    if session.run("return 'axe' in window", &[]) == json!(false) {
        let axe = std::fs::read_to_string(script).expect("the script that was found");
        session.run(&format!("{axe}; window.axe = axe;"), &[]);
    }
    let found: Value = session.run(RUN, &[json!(rules)]);
    serde_json::from_value(found).expect("a list of lines")
}
