//! Links to fragments and back, and fragments that are none.

use super::inside::{
    BASELINES, Enlarged, Inside, MAX_DRAW, MAX_HEADS, MAX_ROUND, MOST_TENTHS, ORDERS, Picture,
    ROUND_HEAT, ROUND_WORDS, Rounds, TO_WRITE, Writing,
};
use super::prove::{Drawn, Line, MAX_SEEDS, MAX_SIZES, MAX_STEPS};
use super::*;
use crate::recipe::Goal;
use crate::recipe::WebTexts;
use crate::recipe::carried::{Number, number};
use crate::recipe::{Field, MethodChoice};
use bert::config::Pooling;
use bert::inside::Head;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

fn notices(fragment: &str) -> (Link, Vec<String>) {
    let (link, notices) = Link::parse(fragment);
    (link, notices.into_iter().map(|notice| notice.0).collect())
}

/// The only notice, and a link that is the default one.
fn refused(fragment: &str) -> String {
    let (link, mut notices) = notices(fragment);
    assert_eq!(link, Link::default(), "{fragment}");
    assert_eq!(notices.len(), 1, "{fragment}: {notices:?}");
    notices.pop().unwrap()
}

#[test]
fn a_link_can_be_read_by_people() {
    let link = Link {
        model: Some(Address::parse("google-bert/bert-base-uncased@v1.0").unwrap()),
        text: "She went to the [MASK], 100 % sure & \"happy\".".into(),
        pair: Some("Ünd?".into()),
        masks: vec![3, 7],
        panel: Panel::Teach,
        hide: [Part::Hero, Part::Tabs].into(),
        recipe: Carried {
            method: MethodChoice::Last,
            layers: 2,
            fields: [(Field::LearningRate, "3e-5".to_owned())].into(),
            ..Carried::default()
        },
        ..Link::default()
    };
    let fragment = link.to_fragment();
    assert_eq!(
        fragment,
        "v=1&model=google-bert/bert-base-uncased@v1.0&panel=teach\
         &text=She+went+to+the+[MASK],+100+%25+sure+%26+%22happy%22.&pair=%C3%9Cnd%3F&mask=3,7\
         &method=last&layers=2&learning-rate=3e-5&hide=hero,tabs"
    );
    assert_eq!(Link::parse(&format!("#{fragment}")), (link, Vec::new()));
    assert_eq!(Link::default().to_fragment(), "");
    assert_eq!(Link::parse("#"), (Link::default(), Vec::new()));
}

#[test]
fn a_full_stop_at_the_end_survives_what_finds_links_in_texts() {
    let link = Link {
        text: "It ended.".into(),
        ..Link::default()
    };
    assert_eq!(link.to_fragment(), "v=1&text=It+ended%2E");
}

#[test]
fn what_is_no_link_is_told_and_changes_nothing() {
    assert!(refused("garbage").contains("“garbage”"));
    assert!(refused("%%%").contains("not an Unmask link"));
    assert!(refused("text=a").contains("v=1 is missing"));
    assert!(refused("v=0&text=a").contains("v=1 is missing"));
    assert!(refused("v=2&text=a").contains("newer version of this page (v=2)"));
    assert!(refused(&"v=1&".repeat(20_000)).contains("characters"));
}

#[test]
fn what_leads_elsewhere_is_no_model() {
    for model in [
        "javascript:alert(1)",
        "https://user:secret@example.org/m",
        "../../secret",
        "%3Cimg+src=x+onerror=alert(1)%3E",
        "http://example.org/",
    ] {
        let words = refused(&format!("v=1&model={model}"));
        assert!(words.starts_with("The model “"), "{words}");
    }
}

#[test]
fn markup_is_a_text_like_any_other() {
    let (link, told) = notices("v=1&text=%3Cimg%20src=x%20onerror=alert(1)%3E");
    assert_eq!(link.text, "<img src=x onerror=alert(1)>");
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn numbers_are_brought_into_their_range_and_that_is_told() {
    let (link, told) = notices(
        "v=1&epochs=1e99&learning-rate=NaN&batch=2.5&dropout=-3&top=99&layers=inf&warmup=12,5",
    );
    let fields: Vec<_> = link.recipe.fields.into_iter().collect();
    assert_eq!(
        fields,
        [
            (Field::Epochs, "1000".to_owned()),
            (Field::Warmup, "12.5".to_owned()),
            (Field::Dropout, "0".to_owned()),
        ]
    );
    assert_eq!((link.top_k, link.recipe.layers), (20, 1));
    for words in [
        "“epochs” (Epochs) is 1000 instead of 1e99",
        "“learning-rate” (Learning rate) was left out: “NaN”",
        "“batch” (Batch size) was left out: “2.5”",
        "“dropout” (Dropout) is 0 instead of -3",
        "“top” is 20 instead of 99",
        "“layers” was left out: “inf”",
    ] {
        assert!(told.iter().any(|told| told.contains(words)), "{told:?}");
    }
    assert_eq!(told.len(), 6, "{told:?}");
}

#[test]
fn every_wrong_setting_is_named() {
    for (setting, words) in [
        ("colour=red", "“colour” was left out: this page has no such"),
        ("text=a&text=b", "“text” stands more than once"),
        ("text=%zz", "“text” was left out: its value is damaged"),
        ("text=%ff", "“text” was left out: its value is damaged"),
        (
            "panel=files",
            "“panel” is “files”; there is only probe, inside, teach, prove, learn, bench",
        ),
        ("pooling=max", "“pooling” is “max”"),
        ("mask=1,x,-2,1e9,99999", "“mask” is a list of places"),
        ("hide=hero,everything", "“hide” names something"),
        (
            "see=films",
            "“see” is “films”; there is only lens, attention",
        ),
        ("at=-1", "“at” is 0 instead of -1"),
        ("map=0.1", "“map” names heads such as 3.5"),
        ("arrives=yes", "“arrives” is “yes”"),
        ("baseline=one", "“baseline” is “one”"),
        ("off=1.1,1", "“off” names heads such as 3.5"),
        ("curve=1,2", "The curve in this link was left out"),
        ("head=a.b", "trained head in this link was left out"),
        ("nothing", "“nothing” was left out"),
    ] {
        let (_, told) = notices(&format!("v=1&{setting}"));
        assert_eq!(told.len(), 1, "{setting}: {told:?}");
        assert!(told[0].contains(words), "{setting}: {told:?}");
    }
    let (link, _) = notices("v=1&mask=7,x,3,3&text=a&text=b&hide=hero,x");
    assert_eq!((link.masks, link.text.as_str()), (vec![3, 7], "a"));
    assert_eq!(link.hide, [Part::Hero].into());
    let many: Vec<String> = (0..600).map(|place| place.to_string()).collect();
    let (link, told) = notices(&format!("v=1&mask={}", many.join(",")));
    assert_eq!(link.masks.len(), MAX_MASKS);
    assert!(told[0].contains("600 places"), "{told:?}");
    let (link, told) = notices(&format!("v=1&text={}", "a".repeat(MAX_TEXT + 1)));
    assert_eq!(link.text.len(), MAX_TEXT);
    assert!(told[0].contains("cut to its first 20000"), "{told:?}");
    let wrong: Vec<String> = (0..200).map(|i| format!("wrong{i}=")).collect();
    let (_, told) = notices(&format!("v=1&{}", wrong.join("&")));
    assert!(told.len() <= 12, "{}", told.len());
}

#[test]
fn a_quote_cannot_turn_the_sentence_around() {
    let words = refused("v=1&model=%E2%80%AEgnp.exe%00");
    assert!(words.contains("“ gnp.exe ”"), "{words}");
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        "[a-z \\[\\]MASK.,+&=%#\n\t]{0,40}",
        any::<String>()
    ]
}

fn numbers() -> impl Strategy<Value = Vec<(Field, String)>> {
    let one = (0..Field::ALL.len(), -10.0..2000.0f64, 0..3u8);
    vec(one, 0..6).prop_map(|fields| {
        let written = |(place, value, power): (usize, f64, u8)| {
            let field = Field::ALL[place];
            let value = value / 1000f64.powi(power.into());
            let value = match field {
                Field::Epochs
                | Field::Batch
                | Field::Accumulation
                | Field::MaxTokens
                | Field::Seed => value.round(),
                _ => value,
            };
            match number(field, &value.to_string()) {
                Number::Fine(text) | Number::Clamped(text) => Some((field, text)),
                Number::Bad => None,
            }
        };
        fields.into_iter().filter_map(written).collect()
    })
}

fn carried() -> impl Strategy<Value = Carried> {
    let goal = prop::sample::select(Goal::ALL.to_vec());
    let method = prop::sample::select(MethodChoice::ALL.to_vec());
    let pooling = prop_oneof![
        Just(Pooling::Mean),
        Just(Pooling::Cls),
        Just(Pooling::Pooler)
    ];
    (
        goal,
        method,
        1..=100usize,
        prop::option::of(pooling),
        any::<bool>(),
        numbers(),
    )
        .prop_map(
            |(goal, method, layers, pooling, whole_words, fields)| Carried {
                goal,
                method,
                layers,
                pooling,
                whole_words,
                fields: fields.into_iter().collect(),
            },
        )
}

fn writing() -> impl Strategy<Value = Writing> {
    let order = prop::sample::select(ORDERS.to_vec());
    (TO_WRITE, 0..=MOST_TENTHS, 0..=MAX_DRAW, order).prop_map(
        |(tokens, tenths, draw, (order, _))| Writing {
            tokens,
            tenths,
            draw,
            order,
        },
    )
}

fn inside() -> impl Strategy<Value = Inside> {
    let head = || (0..MAX_HEADS, 0..MAX_HEADS).prop_map(|(layer, head)| Head { layer, head });
    let map = prop_oneof![
        head().prop_map(Enlarged::Head),
        (0..MAX_HEADS).prop_map(Enlarged::Mean),
        (0..MAX_HEADS).prop_map(Enlarged::Rollout),
    ];
    let picture = prop::sample::select(Picture::ALL.to_vec());
    (
        picture,
        prop::option::of(0..MAX_POSITION),
        "\\PC{0,40}",
        (prop::option::of(map), prop::option::of(0..MAX_POSITION)),
        any::<bool>(),
        btree_set(head(), 0..9),
        (prop::sample::select(BASELINES.to_vec()), text()),
        (text(), any::<bool>(), text(), (rounds(), writing())),
    )
        .prop_map(
            |(picture, place, follow, (map, row), arrives, off, (baseline, other), typed)| Inside {
                picture,
                place,
                follow,
                map,
                row,
                arrives,
                off,
                baseline: baseline.0,
                other,
                swaps: typed.0,
                apart: typed.1,
                sentences: typed.2,
                rounds: typed.3.0,
                writing: typed.3.1,
            },
        )
}

fn rounds() -> impl Strategy<Value = Rounds> {
    let number = prop::option::of(0..MAX_ROUND);
    (ROUND_WORDS, ROUND_HEAT, number, text()).prop_map(|(words, heat, number, own)| Rounds {
        words,
        heat,
        number,
        own,
    })
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let lines = btree_set(prop::sample::select(Line::ALL.to_vec()), 1..4);
    let sizes = btree_set(1..9999_usize, 1..=MAX_SIZES);
    (lines, sizes, "[0-9a-f]{16}", 1..=MAX_SEEDS, 1..5000_usize).prop_flat_map(
        |(lines, sizes, source, seeds, tested)| {
            let points = vec(prop::option::of(0..=tested), sizes.len() * seeds);
            let all = vec(points, lines.len());
            (all, 0..=tested, 1..=MAX_STEPS).prop_map(move |(all, majority, steps)| Drawn {
                source: source.clone(),
                tested,
                majority,
                steps,
                seeds,
                sizes: sizes.iter().copied().collect(),
                lines: lines.iter().copied().zip(all).collect(),
            })
        },
    )
}

fn link() -> impl Strategy<Value = Link> {
    let model = prop::option::of(prop_oneof![
        "[a-z]{1,8}/[a-z0-9]{1,8}(@[a-z0-9]{1,12})?",
        "https://[a-z]{1,8}\\.org/[a-z0-9]{0,8}",
    ]);
    let panel = prop::sample::select(Panel::ALL.to_vec());
    let hide = btree_set(prop::sample::select(Part::ALL.to_vec()), 0..4);
    let places = btree_set(0..MAX_POSITION, 0..20);
    let head = prop::option::of("[A-Za-z0-9_-]{1,80}");
    (
        (
            model,
            (panel, prop::option::of(1..=MAX_LESSON)),
            hide,
            places,
            head,
        ),
        (
            text(),
            prop::option::of(text()),
            text(),
            text(),
            prop::option::of("https://[a-z]{1,8}\\.org/[a-z0-9&=%+?]{0,9}/x[.]tsv"),
        ),
        (
            1..=20usize,
            "[a-z /,%]{0,40}",
            carried(),
            inside(),
            prop::option::of(drawn()),
        ),
    )
        .prop_map(
            |(
                (model, (panel, lesson), hide, masks, head),
                texts,
                (top_k, compare, recipe, inside, curve),
            )| Link {
                model: model.map(|model| Address::parse(&model).expect("a plain address")),
                panel,
                lesson,
                text: texts.0,
                pair: texts.1,
                masks: masks.into_iter().collect(),
                top_k,
                compare,
                inside,
                recipe,
                data: texts.4.and_then(|data| WebTexts::parse(&data).ok()),
                trial: texts.2,
                trial_pair: texts.3,
                curve: curve.map(Box::new),
                hide,
                head: head.map(Arc::from),
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn links_come_back_as_they_were(link in link()) {
        let fragment = link.to_fragment();
        prop_assert!(fragment.is_ascii() && !fragment.contains([' ', '"', '<', '>', '`', '#']));
        prop_assert_eq!(Link::parse(&fragment), (link, Vec::new()));
    }

    #[test]
    fn whatever_stands_there_is_read_or_told(
        fragment in prop_oneof!["\\PC{0,200}", any::<String>(), "(v=1)?(&[a-z-]{1,7}=[^&]{0,9}){0,9}"],
    ) {
        let (link, notices) = Link::parse(&fragment);
        prop_assert!(notices.len() <= 12);
        prop_assert!(notices.iter().all(|notice| notice.0.chars().count() < 700));
        // What was read is a link like any other.
        prop_assert_eq!(Link::parse(&link.to_fragment()), (link, Vec::new()));
    }

    /// Every key of its own with anything behind it.
    #[test]
    fn no_value_of_a_setting_that_there_is_panics(
        key in prop::sample::select(vec![
            "v", "model", "panel", "text", "pair", "mask", "top", "see", "at", "follow", "map", "row",
            "arrives", "off", "baseline", "other", "goal", "method", "layers",
            "pooling", "data", "try", "try-pair", "curve", "hide", "head", "learning-rate", "epochs", "share",
            "clipping", "seed", "whole-words", "mask-share", "mask-hidden",
        ]),
        value in prop_oneof!["\\PC{0,40}", "[-+0-9.eE,infaNx%]{0,12}", any::<f64>().prop_map(|x| x.to_string())],
    ) {
        let (link, _) = Link::parse(&format!("v=1&{key}={value}"));
        prop_assert_eq!(Link::parse(&link.to_fragment()), (link, Vec::new()));
    }
}

#[test]
fn numbers_of_many_digits_come_back_as_they_were_read() {
    for (value, kept) in [
        ("3.8123456789012345e-166", "0"),
        ("-0", "0"),
        ("0.12345678901234567", "0.123456789012"),
        ("1.2345678901234567e-5", "1.23456789012e-5"),
    ] {
        let (link, notices) = Link::parse(&format!("v=1&dropout={value}"));
        assert!(notices.is_empty(), "{notices:?}");
        assert_eq!(link.recipe.fields[&Field::Dropout], kept);
        assert_eq!(Link::parse(&link.to_fragment()), (link, Vec::new()));
    }
}

#[test]
fn how_a_model_writes_is_brought_back_and_kept_in_bounds() {
    let (link, notices) =
        Link::parse("v=1&see=writing&write=12&temperature=0.3&draw=7&order=surest-first");
    assert_eq!(notices, []);
    assert_eq!(link.inside.picture, Picture::Writing);
    let writing = &link.inside.writing;
    assert_eq!((writing.tokens, writing.tenths, writing.draw), (12, 3, 7));
    assert_eq!(writing.order, ORDERS[2].0);
    let (link, notices) = Link::parse("v=1&write=900&temperature=0.75&draw=-4&order=best");
    assert_eq!(notices.len(), 4, "{notices:?}");
    let writing = &link.inside.writing;
    assert_eq!((writing.tokens, writing.tenths, writing.draw), (32, 8, 0));
    let (link, notices) = Link::parse("v=1&temperature=hot");
    assert_eq!((link.inside.writing.tenths, notices.len()), (7, 1));
}
