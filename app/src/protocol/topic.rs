//! Messages about what only a later part of the engine does. Their JSON is that of [`Command`](super::Command) and
//! [`Event`](super::Event), which the page writes and reads; the engine reads and writes each topic's own, so that what does so
//! comes with the part that needs it.

use super::{RequestId, decode, encode};
use crate::failure::Failure;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// What such a message is about: a variant of both enums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    Inside,
    Teach,
    Prove,
    Bench,
    Make,
}

/// A command as the part that does it reads it.
#[derive(Debug, PartialEq, Deserialize)]
pub struct Asked<C> {
    pub id: RequestId,
    pub command: C,
}

#[derive(Serialize)]
struct Answer<'a, E> {
    id: RequestId,
    event: &'a E,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Inside,
        Self::Teach,
        Self::Prove,
        Self::Bench,
        Self::Make,
    ];

    fn tag(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Teach => "teach",
            Self::Prove => "prove",
            Self::Bench => "bench",
            Self::Make => "make",
        }
    }

    /// The topic of a command that [`encode`] wrote, with the JSON of an [`Asked`]; `None` for those that are there from the
    /// start.
    pub fn of(text: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|topic| {
            let rest = text.strip_prefix("{\"")?.strip_prefix(topic.tag())?;
            Some((topic, rest.strip_prefix("\":")?.strip_suffix('}')?))
        })
    }

    /// The JSON of an event: what [`encode`] would make of the [`Event`](super::Event) with this topic, id and event.
    ///
    /// # Errors
    /// As [`encode`].
    pub fn event<E: Serialize>(self, id: RequestId, event: &E) -> Result<String, String> {
        let answer = encode(&Answer { id, event })?;
        Ok(format!("{{\"{}\":{answer}}}", self.tag()))
    }

    /// The events that answer a command whose part cannot be had; `body` is that of [`Topic::of`].
    ///
    /// # Errors
    /// A body that is none.
    pub fn refuse(self, body: &str, failure: &Failure) -> Result<Vec<String>, String> {
        let Numbered { id } = decode(body)?;
        if self != Self::Bench {
            let bears = None;
            return Ok(vec![self.event(id, &Refused::Failed { failure, bears })?]);
        }
        // Measurements are told of one by one; a cancel has none.
        let cases = decode::<Measuring>(body).map_or(0, |asked| asked.command.start.cases.len());
        let reason = format!("{}. {}", failure.title, failure.advice);
        let skipped = |place| {
            let outcome = Skipped::Skipped { reason: &reason };
            self.event(id, &Refused::Ended { place, outcome })
        };
        let done = self.event(id, &Refused::Done);
        (0..cases).map(skipped).chain([done]).collect()
    }
}

/// As much of a command as has to be known to refuse it.
#[derive(Deserialize)]
struct Numbered {
    id: RequestId,
}

#[derive(Deserialize)]
struct Measuring {
    command: Started,
}

#[derive(Deserialize)]
struct Started {
    start: Cases,
}

#[derive(Deserialize)]
struct Cases {
    cases: Vec<IgnoredAny>,
}

/// What the page hears of it, in the words of each topic's events.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Refused<'a> {
    Failed {
        failure: &'a Failure,
        /// [`MakeEvent`](super::MakeEvent) alone has it.
        bears: Option<()>,
    },
    Ended {
        place: usize,
        outcome: Skipped<'a>,
    },
    Done,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Skipped<'a> {
    Skipped { reason: &'a str },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{
        BenchCommand, BenchEvent, Case, Command, Event, InsideCommand, InsideEvent, MakeCommand,
        MakeEvent, Outcome, ProveCommand, ProveEvent, TeachCommand, TeachEvent,
    };

    fn cancels() -> [(Topic, Command); 5] {
        let id = 7;
        let (teach, prove) = (TeachCommand::Cancel, ProveCommand::Stop);
        let (inside, bench, make) = (
            InsideCommand::Cancel,
            BenchCommand::Cancel,
            MakeCommand::Cancel,
        );
        [
            (
                Topic::Inside,
                Command::Inside {
                    id,
                    command: inside,
                },
            ),
            (Topic::Teach, Command::Teach { id, command: teach }),
            (Topic::Prove, Command::Prove { id, command: prove }),
            (Topic::Bench, Command::Bench { id, command: bench }),
            (Topic::Make, Command::Make { id, command: make }),
        ]
    }

    #[test]
    fn each_command_of_a_later_part_tells_its_topic() {
        for (topic, command) in cancels() {
            let text = encode(&command).unwrap();
            let (found, body) = Topic::of(&text).unwrap();
            assert_eq!(found, topic);
            assert_eq!(decode::<Numbered>(body).unwrap().id, 7, "{body}");
            assert!(decode::<Command>(&text).is_err(), "only its part reads it");
        }
        for other in [
            encode(&Command::ListKept).unwrap(),
            encode(&Command::CancelProbe { id: 1 }).unwrap(),
            "{\"insides\":{}}".into(),
            "{\"inside\"".into(),
            String::new(),
        ] {
            assert_eq!(Topic::of(&other), None, "{other}");
        }
    }

    #[test]
    fn what_is_refused_is_told_in_the_topics_own_words() {
        let failure = Failure::new("Title", "cause", "Advice.").with_details("d");
        for (topic, command) in cancels() {
            let text = encode(&command).unwrap();
            let refused = topic.refuse(Topic::of(&text).unwrap().1, &failure).unwrap();
            let failure = failure.clone();
            let expected = match topic {
                Topic::Inside => Event::Inside {
                    id: 7,
                    event: InsideEvent::Failed { failure },
                },
                Topic::Teach => Event::Teach {
                    id: 7,
                    event: TeachEvent::Failed { failure },
                },
                Topic::Prove => Event::Prove {
                    id: 7,
                    event: ProveEvent::Failed { failure },
                },
                Topic::Bench => Event::Bench {
                    id: 7,
                    event: BenchEvent::Done,
                },
                Topic::Make => Event::Make {
                    id: 7,
                    event: MakeEvent::Failed {
                        failure,
                        bears: None,
                    },
                },
            };
            let [refused] = &refused[..] else {
                panic!("{refused:?}")
            };
            assert_eq!(decode::<Event>(refused).unwrap(), expected);
        }
    }

    #[test]
    fn each_measurement_is_refused() {
        let case = Case::Product { m: 1, k: 2, n: 3 };
        let command = BenchCommand::Start {
            cases: vec![case, case],
        };
        let text = encode(&Command::Bench { id: 3, command }).unwrap();
        let failure = Failure::new("Away", "cause", "Again.");
        let (topic, body) = Topic::of(&text).unwrap();
        let refused = topic.refuse(body, &failure).unwrap();
        let refused: Vec<Event> = refused.iter().map(|text| decode(text).unwrap()).collect();
        let ended = |place| {
            let reason = "Away. Again.".into();
            let outcome = Outcome::Skipped { reason };
            let event = BenchEvent::Ended { place, outcome };
            Event::Bench { id: 3, event }
        };
        let event = BenchEvent::Done;
        assert_eq!(refused, [ended(0), ended(1), Event::Bench { id: 3, event }]);
        assert!(topic.refuse("{}", &failure).is_err());
    }
}
