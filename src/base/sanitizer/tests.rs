use super::*;

#[test]
fn a_name_is_encoded_as_java_does_and_comes_back() {
    for (name, sanitized) in [
        ("alice", "alice"),
        ("CN=w1,OU=Eng O=x*", "CN%3Dw1%2COU%3DEng%20O%3Dx%2A"),
        ("a.b-c_d~!", "a.b-c_d%7E%21"),
        ("<default>", "%3Cdefault%3E"),
        ("é+/%", "%C3%A9%2B%2F%25"),
        ("", ""),
    ] {
        assert_eq!(sanitize(name), sanitized);
        assert_eq!(desanitize(sanitized).as_deref(), Some(name));
    }
}

#[test]
fn a_name_that_was_not_encoded_is_decoded_as_java_does() {
    assert_eq!(desanitize("a+b").as_deref(), Some("a b"));
    assert_eq!(desanitize("%ff").as_deref(), Some("\u{fffd}"));
    for broken in ["%", "100%", "%4", "%zz", "a%é"] {
        assert_eq!(desanitize(broken), None, "{broken}");
    }
}
