//! How training goes on where one machine is not enough: the scripts of `transformers` with their flags.

use super::{Kind, Run, pooling};
use crate::config::{HeadKind, Pooling};
use crate::model::Model;
use crate::train::{Method, Recipe};

/// How the ecosystem's own engine goes on, with the flags of its run_classification.py.
pub(super) fn of_classes(model: &Model, run: &Run, labels: &[String], code: bool) -> String {
    // All weights are trained there, for some epochs.
    let recipe = &match run.recipe.settles {
        true => Recipe {
            max_tokens: run.recipe.max_tokens,
            seed: run.recipe.seed,
            ..Recipe::scheduled(Method::All)
        },
        false => run.recipe,
    };
    let cls = pooling(model, Kind::Head) == Some(Pooling::Cls) && !code;
    let (pooler, classifier) = model.head_names(HeadKind::Classes);
    let (columns, convert) = match run.pairs {
        true => (
            "text,pair --text_column_delimiter \" [SEP] \"",
            "text, pair and label",
        ),
        false => ("text", "text and label"),
    };
    let folder = if cls { "trainable" } else { "." };
    let trust = if code { " --trust_remote_code" } else { "" };
    let mut told = format!(
        "## Go on with it on a cluster\n\n\
         With the [text-classification example](https://github.com/huggingface/transformers/tree/main/examples/pytorch/text-classification) \
         of `transformers` 5 and its requirements. It reads CSV; here with columns {convert}. From a TSV file:\n\n\
         ```sh\npython -c 'import csv, pandas, sys; pandas.read_csv(sys.argv[1], sep=\"\\t\", dtype=str, keep_default_na=False, \
         quoting=csv.QUOTE_NONE).to_csv(sys.argv[2], index=False)' train.tsv train.csv\n```\n\n"
    );
    if cls {
        told += &format!(
            "The stored pooler and classifier (see above) suit no optimiser: this writes a folder \
                 whose pooler starts as the identity and whose classifier has its true scale. Its first \
                 logits are others.\n\n\
                 ```python\nimport torch\n\
                 from transformers import AutoModelForSequenceClassification, AutoTokenizer\n\n\
                 model = AutoModelForSequenceClassification.from_pretrained(\".\")\n\
                 with torch.no_grad():\n    model.{classifier}.weight /= 4096\n    \
                 model.{pooler}.weight *= 4096\n\
                 del model.config.unmask\n\
                 model.save_pretrained(\"trainable\")\n\
                 AutoTokenizer.from_pretrained(\".\").save_pretrained(\"trainable\")\n```\n\n"
        );
    }
    told += &format!(
        "```sh\naccelerate launch run_classification.py --model_name_or_path {folder}{trust} \\\n  \
         --train_file train.csv --validation_file validation.csv \\\n  \
         --text_column_names {columns} --label_column_name label \\\n  {}",
        flags(model, recipe)
    );
    if run.recipe.method == Method::Head {
        told += "Here the classifier alone was trained; there the whole model is, at a rate for that.\n";
    }
    if run.pairs {
        told += "The script joins the two columns to one text, so both have token type 0 there.\n";
    }
    let mut sorted = labels.to_vec();
    sorted.sort();
    if sorted != labels {
        told += "The script numbers the labels by spelling, not as config.json does here: it learns the \
                 classifier anew.\n";
    }
    told
}

/// The same for tags and answers, with the flags of run_ner.py and run_qa.py.
pub(super) fn of_tokens(model: &Model, run: &Run, kind: HeadKind) -> String {
    let (folder, script, reads, columns) = match kind {
        HeadKind::Tokens => (
            "token-classification",
            "run_ner.py",
            "a JSON object a line with `tokens` and `ner_tags`, a list of words and a list of their tags",
            "--text_column_name tokens --label_column_name ner_tags ",
        ),
        _ => (
            "question-answering",
            "run_qa.py",
            "one JSON object whose `data` is a list of objects with `id`, `question`, `context` and `answers`, which has the lists `text` and `answer_start`",
            "",
        ),
    };
    format!(
        "## Go on with it on a cluster\n\n\
         With the [{folder} example](https://github.com/huggingface/transformers/tree/main/examples/pytorch/{folder}) \
         of `transformers` 5 and its requirements. It reads {reads}.\n\n\
         ```sh\naccelerate launch {script} --model_name_or_path . \\\n  \
         --train_file train.json --validation_file validation.json \\\n  \
         {columns}{}",
        flags(model, &run.recipe)
    )
}

/// The flags that all scripts have, and what is to be known of one.
fn flags(model: &Model, recipe: &Recipe) -> String {
    let parts = match recipe.accumulation {
        1 => String::new(),
        parts => format!(" --gradient_accumulation_steps {parts}"),
    };
    format!(
        "--do_train --do_eval --output_dir continued --seed {} \\\n  \
         --max_seq_length {} --per_device_train_batch_size {}{parts} --num_train_epochs {} \\\n  \
         --learning_rate {:e} --warmup_steps {} --weight_decay {} --max_grad_norm {}\n```\n\n\
         `--warmup_steps` below 1 is a share of the steps; `transformers` 4 has `--warmup_ratio` for it.\n",
        recipe.seed,
        recipe.max_tokens.min(model.config().max_tokens()),
        recipe.part(),
        recipe.epochs,
        match recipe.method {
            // All weights are trained there.
            Method::Head => 2e-5,
            _ => recipe.learning_rate,
        },
        recipe.warmup,
        recipe.optimiser.weight_decay,
        recipe.optimiser.max_norm.unwrap_or(0.0),
    )
}
