//! The steps of the lesson: what each sets up and checks, which is carried out in `setting.rs`. What it says is in `words.rs`.

use super::setting::{Check, Setting, Texts};
use crate::link::Panel;
use crate::link::inside::Picture;
use crate::recipe::Goal;

/// One step.
#[derive(Debug)]
pub struct Step {
    pub(super) setting: Setting,
    pub(super) check: Check,
}

/// How many there are.
pub(super) const COUNT: usize = 11;

/// All of them, in order.
pub const STEPS: [Step; COUNT] = [
    // BERT reads both sides of a blank.
    Step {
        setting: Setting {
            panel: Panel::Inside,
            picture: Some(Picture::Sides),
            text: Some("He poured a cup of [MASK] and sat down."),
            ..Setting::NONE
        },
        check: Check::Sides,
    },
    // A text becomes pieces of words from a fixed list.
    Step {
        setting: Setting {
            panel: Panel::Probe,
            text: Some("Unbelievable xylophonists reappeared."),
            ..Setting::NONE
        },
        check: Check::Pieces,
    },
    // It was trained by hiding 15% of the words.
    Step {
        setting: Setting {
            panel: Panel::Teach,
            texts: Some(Texts::Book),
            goal: Some(Goal::Masks),
            ..Setting::NONE
        },
        check: Check::Dealt,
    },
    // The guess takes shape layer by layer.
    Step {
        setting: Setting {
            panel: Panel::Inside,
            picture: Some(Picture::Lens),
            text: Some("He poured a cup of [MASK] and sat down."),
            ..Setting::NONE
        },
        check: Check::Follows,
    },
    // Heads share the work; switch one off and see.
    Step {
        setting: Setting {
            panel: Panel::Inside,
            picture: Some(Picture::Attention),
            text: Some("The boxes in the car [MASK] heavy."),
            ..Setting::NONE
        },
        check: Check::HeadOff,
    },
    // Telling the next sentence was too easy to teach much.
    Step {
        setting: Setting {
            panel: Panel::Teach,
            texts: Some(Texts::Book),
            goal: Some(Goal::Next),
            ..Setting::NONE
        },
        check: Check::Planned(Goal::Next),
    },
    // Fine-tuning moves every weight a little, unless you hold them.
    Step {
        setting: Setting {
            panel: Panel::Teach,
            texts: Some(Texts::Questions),
            goal: Some(Goal::Labels),
            head_only: true,
            ..Setting::NONE
        },
        check: Check::Taught,
    },
    // With pretraining, a few examples go far.
    Step {
        setting: Setting {
            panel: Panel::Prove,
            texts: Some(Texts::Questions),
            goal: Some(Goal::Labels),
            ..Setting::NONE
        },
        check: Check::Curve,
    },
    // Outside its world it is lost.
    Step {
        setting: Setting {
            panel: Panel::Inside,
            picture: Some(Picture::Surprise),
            text: Some("The dog lies under the table and sleeps."),
            other: Some("Der Hund liegt unter dem Tisch und schläft."),
            ..Setting::NONE
        },
        check: Check::TwoTexts,
    },
    // BERT does not write.
    Step {
        setting: Setting {
            panel: Panel::Inside,
            picture: Some(Picture::Writing),
            text: Some("Last night I [MASK] a [MASK] and [MASK] the [MASK]."),
            ..Setting::NONE
        },
        check: Check::Writes,
    },
    // Every word can teach.
    Step {
        setting: Setting {
            panel: Panel::Inside,
            picture: Some(Picture::Spot),
            ..Setting::NONE
        },
        check: Check::Spotted,
    },
];
