//! The lesson: what stands in it, how it goes forward, and what this device keeps of it.

use super::*;
use crate::link::{MAX_LESSON, Panel};
use crate::state::link::tests::ready;

#[test]
fn every_step_asks_one_question_with_one_right_answer_and_has_a_source() {
    assert!(STEPS.len() <= MAX_LESSON);
    for step in &WORDS {
        assert!(step.right < step.choices.len(), "{}", step.claim);
        for choice in step.choices {
            let same = step.choices.iter().filter(|other| **other == choice);
            assert_eq!(same.count(), 1, "{choice}");
        }
        assert!(!step.papers.is_empty() && step.claim.ends_with('.'));
        for paper in step.papers {
            let (year, number) = paper.arxiv.split_once('.').expect("an arXiv number");
            assert!(year.len() == 4 && number.len() == 5, "{}", paper.arxiv);
        }
    }
    // The list of what a lesson on BERT has to have.
    let topics: Vec<&str> = WORDS.iter().map(|step| step.topics).collect();
    let topics = topics.join("; ");
    for topic in [
        "Bidirectional",
        "Masked language modelling",
        "80/10/10",
        "Next sentence",
        "few examples",
        "domain",
        "Encoder and decoder",
        "successors",
        "exercise 1",
        "exercise 2",
    ] {
        assert!(topics.contains(topic), "{topic}");
    }
    assert_eq!(topics.matches("misconception").count(), 3);
}

#[test]
fn a_step_is_done_once_it_was_answered_and_set_up_and_its_check_holds() {
    let mut state = ready();
    assert_eq!(state.check_step(), [], "no step is open");
    let pieces = STEPS
        .iter()
        .position(|step| step.check == setting::Check::Pieces);
    let pieces = pieces.expect("the step on pieces");
    state.learn.open(Some(pieces));
    state.set_step();
    assert_eq!(state.panel, Panel::Probe);
    state.probe.edit_text("reappeared".to_owned());
    state.probe.tokens[1].text = "##ed".to_owned();
    assert_eq!(state.check_step(), [], "the question comes first");
    let kept = state.answer_step(0);
    assert!(matches!(&kept[..], [Effect::Remember(Memory::Lesson, _)]));
    state.answer_step(1);
    assert_eq!(
        state.learn.progress(pieces).answer,
        Some(0),
        "the first one counts"
    );
    let kept = state.check_step();
    let [Effect::Remember(Memory::Lesson, text)] = &kept[..] else {
        panic!("{kept:?}")
    };
    assert!(state.learn.progress(pieces).done);
    assert_eq!(state.check_step(), [], "once");
    // A later visit knows it.
    let mut later = ready();
    later.on_remembered(Memory::Lesson, text);
    assert_eq!(later.learn.progress(pieces), state.learn.progress(pieces));
    assert_eq!((later.learn.done(), later.learn.next_to_do()), (1, 0));
    later.begin_lesson_anew();
    assert_eq!(later.learn, Learn::default());
}

#[test]
fn what_a_device_kept_is_read_as_far_as_it_makes_sense() {
    for text in [
        "",
        "null",
        "{}",
        "[1]",
        "[{\"answer\":9,\"done\":true}]",
        "[{}]",
    ] {
        let mut state = ready();
        state.on_remembered(Memory::Lesson, text);
        assert_eq!(state.learn, Learn::default(), "{text}");
    }
    let many = serde_json::to_string(&vec![
        Progress {
            answer: Some(2),
            done: true
        };
        500
    ])
    .unwrap();
    let mut state = ready();
    state.on_remembered(Memory::Lesson, &many);
    assert_eq!(state.learn.done(), STEPS.len());
}

#[test]
fn every_step_can_be_set_up_from_any_page() {
    for from in 0..STEPS.len() {
        let mut state = ready();
        for step in [from, (from + 1) % STEPS.len()] {
            state.learn.open(Some(step));
            state.set_step();
            let setting = &STEPS[step].setting;
            assert_eq!(state.panel, setting.panel);
            if let Some(text) = setting.text {
                assert_eq!(state.probe.text, text.replace("[MASK]", state.mask()));
            }
            if let Some(picture) = setting.picture {
                assert_eq!(state.inside.choice.picture, picture);
            }
            if let Some(goal) = setting.goal {
                assert_eq!(state.teach.settings.goal, goal);
            }
        }
    }
}

#[test]
fn a_link_opens_a_step_and_carries_it() {
    let mut state = ready();
    state.open_fragment("v=1&lesson=4");
    assert_eq!(state.learn.open, Some(3));
    assert!(state.link().to_fragment().contains("lesson=4"));
    state.open_fragment("v=1&lesson=77");
    assert_eq!(state.learn.open, None, "there is no such step");
    state.learn.open(Some(STEPS.len()));
    assert_eq!(state.learn.step().map(|(number, _)| number), None);
}
