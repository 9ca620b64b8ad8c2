//! The model card.

use super::{About, Kind, Machine, Run, cluster, needs_code, pooling};
use crate::config::{Family, HeadKind, Pooling};
use crate::metrics::{ClassMetrics, Confusion, Figures};
use crate::model::Model;
use crate::train::{Method, Recipe};

/// README.md: what the model is, what it learned from and how, how well it does, how to load it,
/// and how to go on training where one machine is not enough.
pub fn card(model: &Model, about: &About) -> String {
    let classifies = about.kind == Kind::Head;
    let pooling = pooling(model, about.kind);
    let head = model.head().filter(|_| classifies);
    let labels = match head.map(|head| (head.kind, &head.labels[..])) {
        Some((HeadKind::Classes | HeadKind::Labels, labels)) => labels,
        _ => &[],
    };
    let sections = [
        front_matter(model, about, head.map(|head| head.kind)),
        format!(
            "# {}\n\n{}",
            line(&about.name),
            origin(model, about, head.map(|head| head.kind))
        ),
        about.badge.as_deref().map_or(String::new(), tried),
        pooling.map_or(String::new(), |p| {
            of_pooling(p, needs_code(model, about.kind)).to_owned()
        }),
        match &about.run {
            Some(run) => [data(run, labels), recipe(&run.recipe), figures(run, labels)].join(""),
            None => String::new(),
        },
        about.machine.as_ref().map_or(String::new(), computed),
        "## Weights\n\nAll weights are F32. Where the base holds F16, that loses nothing."
            .to_owned(),
        load(model, about),
        match (&about.run, head.map(|head| head.kind)) {
            // Of pairs the script makes one text, as BERT's tokenizer reads it.
            (Some(run), Some(HeadKind::Classes))
                if !run.pairs || model.config().family == Family::Bert =>
            {
                cluster::of_classes(model, run, labels, needs_code(model, about.kind))
            }
            (Some(run), Some(kind)) if kind.reads_tokens() => cluster::of_tokens(model, run, kind),
            _ => String::new(),
        },
    ];
    let filled = sections.iter().map(|s| s.trim()).filter(|s| !s.is_empty());
    filled.collect::<Vec<_>>().join("\n\n") + "\n"
}

fn front_matter(model: &Model, about: &About, head: Option<HeadKind>) -> String {
    let (task, metrics) = match head {
        // No pipeline has a name for it.
        None if about.kind == Kind::Replaced => ("other", ""),
        None if model.config().causal => ("text-generation", ""),
        None => ("fill-mask", ""),
        Some(HeadKind::Classes) => ("text-classification", "metrics:\n- accuracy\n- f1\n"),
        Some(HeadKind::Labels) => ("text-classification", "metrics:\n- f1\n"),
        Some(HeadKind::Score) => ("text-classification", "metrics:\n- pearsonr\n- spearmanr\n"),
        Some(HeadKind::Tokens) => ("token-classification", "metrics:\n- seqeval\n"),
        Some(HeadKind::Span) => ("question-answering", "metrics:\n- squad\n"),
        Some(HeadKind::Choice) => ("multiple-choice", "metrics:\n- accuracy\n"),
    };
    // A JSON string is a YAML string. A model from random weights has no base.
    let base = match model.sha256().is_empty() {
        true => String::new(),
        false => format!(
            "base_model: {}\n",
            serde_json::Value::from(line(&about.base))
        ),
    };
    format!(
        "---\nlibrary_name: transformers\npipeline_tag: {task}\n{base}{metrics}tags:\n- {}\n- unmask\n---",
        model.config().family.model_type()
    )
}

fn origin(model: &Model, about: &About, head: Option<HeadKind>) -> String {
    let what = match head {
        None if about.kind == Kind::Replaced => "tells which words of a text were replaced",
        None if model.config().causal => "guesses the next word, reading left to right",
        None => "fills masks",
        Some(HeadKind::Classes) => "classifies texts",
        Some(HeadKind::Labels) => "gives texts labels",
        Some(HeadKind::Score) => "scores texts",
        Some(HeadKind::Tokens) => "tags words",
        Some(HeadKind::Span) => "finds answers in a passage",
        Some(HeadKind::Choice) => "chooses among texts",
    };
    let date = about.date.as_deref().map(|d| format!(" on {}", line(d)));
    if model.sha256().is_empty() {
        return format!(
            "{} that {what}, trained with Unmask from random weights{}.",
            a_model(model.config().family),
            date.unwrap_or_default()
        );
    }
    let made = match &about.run {
        Some(_) => "fine-tuned with Unmask",
        None => "exported with Unmask as it was loaded",
    };
    format!(
        "{} that {what}, {made}{}.\n\n* base: {}\n* SHA-256 of the base's file of weights: `{}`",
        a_model(model.config().family),
        date.unwrap_or_default(),
        line(&about.base),
        model.sha256()
    )
}

/// The family by its name, with its article.
fn a_model(family: Family) -> &'static str {
    match family {
        Family::Bert => "A BERT",
        Family::Roberta => "A RoBERTa",
        Family::Albert => "An ALBERT",
        Family::DistilBert => "A DistilBERT",
        Family::Electra => "An ELECTRA",
        Family::XlmRoberta => "An XLM-RoBERTa",
        Family::Camembert => "A CamemBERT",
    }
}

fn tried(badge: &str) -> String {
    format!(
        "{badge}\n\nOnce this folder is published, put its name in place of `OWNER/NAME` in the badge's address."
    )
}

fn of_pooling(pooling: Pooling, code: bool) -> &'static str {
    match pooling {
        Pooling::Pooler => {
            "The classifier reads the pooler (a layer over `[CLS]`), as the family's class in `transformers` does."
        }
        Pooling::Cls if code => {
            "**This folder brings code.** The classifier reads the first token's vector itself, for \
             which `transformers` has no class in this family; `modeling_unmask.py` has it, about 40 lines to read \
             before you load the model with `trust_remote_code=True`. Without it, loading fails."
        }
        Pooling::Cls => {
            "The classifier was trained on the `[CLS]` vector itself, but \
             the family's class in `transformers` always puts a tanh layer between. So the stored pooler is \
             the identity times 2^-12, where tanh changes next to nothing, and the stored classifier \
             weight is the true one times 2^12. Both factors are exact; logits differ from the true \
             ones by about a millionth. `unmask` in config.json says so, and Unmask undoes it."
        }
        Pooling::Mean => {
            "**This folder brings code.** The classifier reads the mean of all tokens' vectors, for \
             which `transformers` has no class; `modeling_unmask.py` has it, about 40 lines to read \
             before you load the model with `trust_remote_code=True`. Without it, loading fails."
        }
    }
}

fn data(run: &Run, labels: &[String]) -> String {
    let sum = |counts: &[usize]| counts.iter().sum::<usize>();
    let kind = if run.pairs { "pairs of texts" } else { "texts" };
    let (train, validation) = (sum(&run.train), sum(&run.validation));
    let mut told =
        format!("## Data\n\n{train} {kind} for training, {validation} for validation.\n\n");
    if !labels.is_empty() {
        told += "| label | training | validation |\n| --- | ---: | ---: |\n";
        for (i, label) in labels.iter().enumerate() {
            let count = |counts: &[usize]| counts.get(i).copied().unwrap_or(0);
            let (train, validation) = (count(&run.train), count(&run.validation));
            told += &format!("| {} | {train} | {validation} |\n", cell(label));
        }
        told.push('\n');
    }
    told
}

fn recipe(recipe: &Recipe) -> String {
    let method = match recipe.method {
        Method::Head => "the classifier alone, over the frozen encoder".to_owned(),
        Method::LastLayers(1) => "the classifier and the last layer".to_owned(),
        Method::LastLayers(n) => format!("the classifier and the last {n} layers"),
        Method::All => "the whole model".to_owned(),
        Method::Scratch => "the whole model, from random weights".to_owned(),
    };
    let pooling = match recipe.pooling {
        Pooling::Pooler => "pooler",
        Pooling::Cls => "`[CLS]`",
        Pooling::Mean => "mean of all tokens",
    };
    let o = &recipe.optimiser;
    let (epochs, schedule) = match recipe.settles {
        true => (
            format!("until the loss settled, {} at most", recipe.epochs),
            "the rate over the root mean square of the features, halved where the loss no longer fell"
                .to_owned(),
        ),
        false => (
            recipe.epochs.to_string(),
            format!(
                "linear warm-up over {}% of the steps, then linear decay to zero",
                100.0 * recipe.warmup
            ),
        ),
    };
    let penalty = match o.penalty_c {
        Some(c) => format!(
            "L2 on the weights, C = {c} (as scikit-learn's LogisticRegression; features shorter than 1 \
             count as of length 1)"
        ),
        None => "none".to_owned(),
    };
    let decayed = match o.decay_all {
        true => "all weights",
        false => "matrices; none on biases and layer norms",
    };
    let clipping = match o.max_norm {
        Some(norm) => format!("global norm {norm}"),
        None => "none".to_owned(),
    };
    let rows = [
        ("trained", method),
        ("pooling", pooling.to_owned()),
        ("learning rate", format!("{:e}", recipe.learning_rate)),
        ("schedule", schedule),
        ("epochs", epochs),
        ("batch", recipe.batch.to_string()),
        ("longest text", format!("{} tokens", recipe.max_tokens)),
        ("dropout", recipe.dropout.to_string()),
        (
            "optimiser",
            format!("AdamW, betas {} and {}, eps {:e}", o.beta1, o.beta2, o.eps),
        ),
        ("weight decay", format!("{} on {decayed}", o.weight_decay)),
        ("penalty", penalty),
        ("clipping", clipping),
        ("seed", recipe.seed.to_string()),
    ];
    let rows = rows.map(|(name, value)| format!("| {name} | {value} |\n"));
    format!(
        "## Recipe\n\n| setting | value |\n| --- | --- |\n{}\n",
        rows.concat()
    )
}

fn computed(machine: &Machine) -> String {
    let mut told = format!(
        "## Computed on\n\n{} The same seed gives the same bits again only there: on the same adapter, \
         by the same record of shaders.\n\n",
        line(&machine.words())
    );
    if let Some(doubt) = &machine.doubt {
        told += &format!("**In doubt.** {} Train it again to be sure.\n", line(doubt));
    }
    told
}

fn figures(run: &Run, labels: &[String]) -> String {
    let (figures, metrics) = match &run.figures {
        None | Some(Figures::Words { .. }) => return String::new(),
        Some(figures @ Figures::Classes { metrics, .. }) => (figures, metrics),
        Some(figures) => return other_figures(run, figures, labels),
    };
    let majority = Confusion::of_majority(&run.train, &run.validation).metrics();
    let epochs = run.recipe.epochs;
    let chosen = match run.recipe.settles {
        true => ", the last".to_owned(),
        false => format!(", the best of {epochs} by these same texts"),
    };
    let over = metrics.over();
    let over = over.map_or(String::new(), |over| format!(" Macro F1 is {over}."));
    let told = format!(
        "## Figures\n\nOn the validation set, after epoch {}{chosen}.{over}\n\n\
         | | accuracy | macro F1 |\n| --- | ---: | ---: |\n\
         | this model | {:.4} | {:.4} |\n| always the most frequent class | {:.4} | {:.4} |\n\n\
         | label | precision | recall | F1 | texts |\n| --- | ---: | ---: | ---: | ---: |\n",
        run.best_epoch, metrics.accuracy, metrics.macro_f1, majority.accuracy, majority.macro_f1,
    );
    told + &per_label(&figures.each(labels)) + IN_SIGHT
}

/// Those of heads that do not choose one class a text.
fn other_figures(run: &Run, figures: &Figures, labels: &[String]) -> String {
    let mut told = format!(
        "## Figures\n\nOn the validation set, after epoch {}.\n\n| figure | |\n| --- | ---: |\n",
        run.best_epoch
    );
    for (name, value) in figures.named() {
        told += &format!("| {name} | {value:.4} |\n");
    }
    let each = figures.each(labels);
    if !each.is_empty() {
        told +=
            "\n| label | precision | recall | F1 | there |\n| --- | ---: | ---: | ---: | ---: |\n";
    }
    told + &per_label(&each) + IN_SIGHT
}

/// What was chosen by the texts that the figures are of.
const IN_SIGHT: &str = "\nRecipe and epoch were chosen with these texts in sight: on others, expect a little less.\n\n";

/// The rows of a table of labels.
fn per_label(each: &[(&str, &ClassMetrics)]) -> String {
    let row = |(label, m): &(&str, &ClassMetrics)| {
        let (precision, recall, f1, support) = (m.precision, m.recall, m.f1, m.support);
        let label = cell(label);
        format!("| {label} | {precision:.4} | {recall:.4} | {f1:.4} | {support} |\n")
    };
    each.iter().map(row).collect()
}

fn load(model: &Model, about: &About) -> String {
    let trust = match needs_code(model, about.kind) {
        true => ", trust_remote_code=True",
        false => "",
    };
    let longest = match &about.run {
        Some(run) => run.recipe.max_tokens.min(model.head_limit()),
        None => model.head_limit(),
    };
    let pipeline = |lines: &str| {
        format!("## Use\n\n```python\nfrom transformers import pipeline\n\n{lines}\n```")
    };
    let head = model.head().filter(|_| about.kind == Kind::Head);
    match head.map(|head| head.kind) {
        None if about.kind == Kind::Replaced => "## Use\n\n```python\nimport torch\n\
             from transformers import AutoModelForPreTraining, AutoTokenizer\n\n\
             folder = \".\"  # this folder\n\
             tokenizer = AutoTokenizer.from_pretrained(folder)\n\
             model = AutoModelForPreTraining.from_pretrained(folder).eval()\n\
             inputs = tokenizer(\"A text with a bottle in it.\", return_tensors=\"pt\")\n\
             with torch.no_grad():\n    replaced = torch.sigmoid(model(**inputs).logits[0])\n\
             print(list(zip(tokenizer.convert_ids_to_tokens(inputs[\"input_ids\"][0]), replaced.tolist())))\n```"
            .to_owned(),
        None if model.config().causal => "## Use\n\n```python\nimport torch\n\
             from transformers import AutoTokenizer, BertLMHeadModel\n\n\
             folder = \".\"  # this folder\n\
             tokenizer = AutoTokenizer.from_pretrained(folder)\n\
             model = BertLMHeadModel.from_pretrained(folder).eval()\n\
             ids = tokenizer(\"The bottle was\", return_tensors=\"pt\")[\"input_ids\"][:, :-1]  # no [SEP] yet\n\
             with torch.no_grad():\n    logits = model(ids).logits[0, -1]\n\
             print([tokenizer.decode(i) for i in logits.topk(5).indices])\n```"
            .to_owned(),
        None => "## Use\n\n```python\nfrom transformers import pipeline\n\n\
             fill = pipeline(\"fill-mask\", model=\".\")  # this folder\n\
             print(fill(f\"A text with a {fill.tokenizer.mask_token} in it.\"))\n```"
            .to_owned(),
        Some(HeadKind::Tokens) => pipeline(
            "find = pipeline(\"token-classification\", model=\".\", aggregation_strategy=\"simple\")  # this folder\n\
             print(find(\"Ada Lovelace was born in London.\"))",
        ),
        Some(HeadKind::Span) => format!(
            "## Use\n\n```python\nimport torch\n\
             from transformers import AutoModelForQuestionAnswering, AutoTokenizer\n\n\
             folder = \".\"  # this folder\n\
             tokenizer = AutoTokenizer.from_pretrained(folder)\n\
             model = AutoModelForQuestionAnswering.from_pretrained(folder).eval()\n\
             question, passage = \"Who was born?\", \"Ada was born in London.\"\n\
             inputs = tokenizer(question, passage, truncation=\"only_second\", max_length={longest}, return_tensors=\"pt\")\n\
             with torch.no_grad():\n    output = model(**inputs)\n\
             first, last = output.start_logits.argmax(), output.end_logits.argmax()\n\
             print(tokenizer.decode(inputs[\"input_ids\"][0, first : last + 1]))\n```"
        ),
        Some(HeadKind::Labels) if trust.is_empty() => pipeline(
            "label = pipeline(\"text-classification\", model=\".\", top_k=None)  # this folder\n\
             print(label(\"a text\"))",
        ),
        Some(HeadKind::Score) if trust.is_empty() => pipeline(
            "score = pipeline(\"text-classification\", model=\".\", function_to_apply=\"none\")  # this folder\n\
             print(score({\"text\": \"a text\", \"text_pair\": \"another one\"}))",
        ),
        Some(_) => format!(
            "## Use\n\n```python\nimport torch\n\
             from transformers import AutoModelForSequenceClassification, AutoTokenizer\n\n\
             folder = \".\"  # this folder\n\
             tokenizer = AutoTokenizer.from_pretrained(folder{trust})\n\
             model = AutoModelForSequenceClassification.from_pretrained(folder{trust}).eval()\n\
             texts = [\"a text\", \"another one\"]\n\
             inputs = tokenizer(texts, padding=True, truncation=True, max_length={longest}, return_tensors=\"pt\")\n\
             with torch.no_grad():\n    logits = model(**inputs).logits\n\
             print([model.config.id2label[i] for i in logits.argmax(-1).tolist()], logits.softmax(-1))\n```"
        ),
    }
}

/// On one line.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Within a table.
fn cell(text: &str) -> String {
    line(text).replace('|', "\\|")
}
