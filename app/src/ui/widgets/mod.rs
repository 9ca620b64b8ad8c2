//! The page's pieces. They read the store, call its methods, and hold no logic of their own.

pub mod badge;
pub mod bar;
pub mod card_head;
pub mod copy_box;
pub mod drop_zone;
pub mod failure_card;
pub mod file_button;
pub mod gallery;
pub mod make;
pub mod maps;
pub mod mask_card;
pub mod model_bar;
pub mod opener;
pub mod painted;
pub mod progress_bar;
pub mod question;
pub mod said;
pub mod script;
pub mod share;
pub mod sight;
pub mod tabs;
pub mod text_box;
pub mod theme;
pub mod token_strip;
pub mod update_notice;
