//! The form, typed into.

use super::*;

#[test]
fn the_defaults_are_the_field_s() {
    let settings = Settings::default();
    let setup = settings.setup().unwrap();
    assert_eq!(setup.recipe, Recipe::new(Method::Head));
    assert_eq!((setup.goal, setup.share), (Goal::Labels, 0.15));
}

#[test]
fn rate_and_pooling_follow_the_method_until_someone_chooses() {
    let mut settings = Settings::default();
    settings.suit(false, 512, 6);
    settings.choose(MethodChoice::All);
    assert_eq!(settings.text(Field::LearningRate), "2e-5");
    assert_eq!(settings.pooling, Pooling::Cls);
    settings.suit(true, 512, 6);
    assert_eq!(settings.pooling, Pooling::Pooler);
    settings.edit(Field::LearningRate, "3e-5".into());
    settings.choose_pooling(Pooling::Mean);
    settings.choose(MethodChoice::Scratch);
    let recipe = settings.setup().unwrap().recipe;
    assert_eq!(
        (recipe.learning_rate, recipe.pooling),
        (3e-5, Pooling::Mean)
    );
}

#[test]
fn a_pooler_is_not_chosen_where_there_is_none() {
    let mut settings = Settings::default();
    settings.suit(true, 512, 6);
    settings.choose(MethodChoice::Last);
    settings.choose_pooling(Pooling::Pooler);
    settings.suit(false, 64, 2);
    assert_eq!(settings.pooling, Pooling::Cls);
    assert_eq!(settings.text(Field::MaxTokens), "64");
}

#[test]
fn what_is_no_number_is_named() {
    let mut settings = Settings::default();
    for (field, text) in [
        (Field::LearningRate, "NaN"),
        (Field::Epochs, "1.5"),
        (Field::Seed, "-1"),
    ] {
        settings.edit(field, text.into());
    }
    let problems = settings.setup().unwrap_err();
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(problems[0].starts_with("Learning rate: “NaN”"));
    settings = Settings::default();
    settings.edit(Field::Share, "100".into());
    assert!(settings.setup().unwrap_err()[0].contains("1 to 90"));
}

#[test]
fn a_decimal_comma_is_understood_and_no_clipping_is_none() {
    let mut settings = Settings::default();
    settings.edit(Field::Dropout, "0,2".into());
    settings.edit(Field::Clipping, " ".into());
    let recipe = settings.setup().unwrap().recipe;
    assert_eq!((recipe.dropout, recipe.optimiser.max_norm), (0.2, None));
}

#[test]
fn words_are_not_guessed_by_a_head() {
    let mut settings = Settings::default();
    settings.choose_goal(Goal::Masks);
    assert_eq!(settings.method, MethodChoice::All);
}

#[test]
fn an_offer_is_taken_whole() {
    let mut settings = Settings::default();
    let offer = Recipe {
        batch: 4,
        max_tokens: 64,
        ..Recipe::new(Method::LastLayers(2))
    };
    settings.take(&offer);
    assert_eq!(settings.setup().unwrap().recipe, offer);
}
