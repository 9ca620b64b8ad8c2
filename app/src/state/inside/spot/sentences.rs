//! Sentences for rounds: plain, varied, each with its own subject.

/// In the order in which rounds take them.
pub const SENTENCES: [&str; 24] = [
    "The old farmer opened the gate before sunrise and let his cows into the wet field.",
    "She read the letter twice, folded it with care, and put it back in the drawer.",
    "After the storm the road to the village was covered with stones and broken branches.",
    "My brother learned to swim in the cold river behind our house when he was six.",
    "The train was late again, so we drank coffee at the station and talked about music.",
    "A small boat crossed the lake while the children on the shore waved their hats.",
    "The doctor asked him how long the pain had lasted and wrote the answer down.",
    "In winter the birds come to our window because my mother leaves bread there.",
    "He sold his car, bought a cheap bicycle, and saved the rest of the money.",
    "The museum keeps its oldest coins in a dark room on the second floor.",
    "Nobody in the office knew the answer, so they called the company that made the machine.",
    "Water boils at a lower temperature on a mountain than it does by the sea.",
    "The judge listened to both sides and said that she would decide on Monday.",
    "We planted two apple trees in spring, and one of them died before the summer was over.",
    "The young actor forgot his first line, but the audience laughed and he went on.",
    "Bees find their way home by the position of the sun in the sky.",
    "The king promised peace to the northern cities, yet his army marched in the same week.",
    "Please close the kitchen door, because the smell of fish goes through the whole house.",
    "Her team lost the first game of the season and then won the next seven.",
    "The teacher drew a circle on the board and asked the class to find its center.",
    "Two men carried the heavy piano up the stairs without breaking a single step.",
    "The moon was so bright that night that we walked through the forest without a lamp.",
    "Prices rose quickly after the war, and many families could no longer pay for meat.",
    "The library lends books for three weeks, but new films must come back after two days.",
];
