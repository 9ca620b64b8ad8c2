/// Declares the browsers that a scenario runs in: `scenario!(name: Chromium Firefox)` stands before
/// `fn name(browser: Browser)` and makes the tests `name::chromium` and `name::firefox`.
macro_rules! scenario {
    ($name:ident: $($browser:ident)+) => {
        mod $name {
            $(scenario!(@ $name $browser);)+
        }
    };
    (@ $name:ident Chromium) => {
        #[test]
        fn chromium() {
            super::$name(unmask_tests::browser::Browser::Chromium);
        }
    };
    (@ $name:ident Firefox) => {
        #[test]
        fn firefox() {
            super::$name(unmask_tests::browser::Browser::Firefox);
        }
    };
    (@ $name:ident WebKit) => {
        #[test]
        fn webkit() {
            super::$name(unmask_tests::browser::Browser::WebKit);
        }
    };
}
