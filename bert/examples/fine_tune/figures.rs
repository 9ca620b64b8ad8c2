//! What a run came to, as JSON and in words.

use bert::data::Dataset;
use bert::metrics::{Confusion, Figures};
use serde_json::{Map, Value, json};

/// The figures by the names that the field's tools give them; of classes their confusion too.
pub fn object(figures: &Figures) -> Value {
    let named = figures.named().into_iter();
    let mut object: Map<String, Value> = named.map(|(n, x)| (n.to_owned(), json!(x))).collect();
    if let Figures::Classes { metrics, confusion } = figures {
        object.insert("macro_f1_classes".to_owned(), json!(metrics.occurring));
        object.insert("confusion".to_owned(), json!(confusion.counts));
    }
    object.into()
}

/// The figures, and those of each label: `sets` are those to learn from and to judge by, where they have labels.
pub fn print(figures: &Figures, sets: Option<&[Dataset; 2]>) {
    let named = figures.named().into_iter();
    let named: Vec<String> = named.map(|(name, x)| format!("{name} {x:.4}")).collect();
    println!("{}", named.join(", "));
    let Some([train, eval]) = sets else { return };
    if let Figures::Classes { metrics, .. } = figures {
        let majority = Confusion::of_majority(&train.counts(), &eval.counts()).metrics();
        let over = metrics
            .over()
            .map_or(String::new(), |over| format!("; macro F1 is {over}"));
        println!(
            "always the most frequent class: accuracy {:.4}, macro_f1 {:.4}{over}",
            majority.accuracy, majority.macro_f1
        );
    }
    for (label, class) in figures.each(&train.labels) {
        println!(
            "  {label:<24} precision {:.4}  recall {:.4}  F1 {:.4}  there {}",
            class.precision, class.recall, class.f1, class.support
        );
    }
}
