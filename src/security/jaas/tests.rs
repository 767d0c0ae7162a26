use super::*;

fn words(text: &str) -> String {
    module_of_setting(text).unwrap_err().to_string()
}

#[test]
fn a_setting_has_one_module_with_options() {
    let module = module_of_setting(
        "org.x.Plain required /* who */ username=\"al\\\"ice\" password='se;cret' // end\n user_bob=bob-1;",
    )
    .unwrap();
    assert_eq!(module.class, "org.x.Plain");
    assert_eq!(module.option("username"), Some("al\"ice"));
    assert_eq!(module.option("password"), Some("se;cret"));
    assert_eq!(module.option("user_bob"), Some("bob-1"));
    assert_eq!(module.option("none"), None);
    let shown = format!("{module:?}");
    assert!(shown.contains("password") && !shown.contains("cret"), "{shown}");
}

#[test]
fn what_is_wrong_is_said_in_kafkas_words() {
    assert_eq!(words(""), "Login module not specified in JAAS config");
    assert_eq!(words("x"), "Login module control flag not specified in JAAS config");
    assert_eq!(words("x maybe;"), "Invalid login module control flag 'maybe' in JAAS config");
    assert_eq!(words("x required a;"), "Value not specified for key 'a' in JAAS config");
    assert_eq!(words("x required a=\"secret\""), "JAAS config entry not terminated by semi-colon");
    let two = "x required; y required;";
    assert_eq!(words(two), "JAAS config property contains 2 login modules, should be 1 module");
}

#[test]
fn a_file_has_contexts() {
    let file = "# brokers\nKafkaServer {\n x required a=\"1\";\n y optional;\n};\n/* c */\ninternal.KafkaServer { z required; };";
    let contexts = contexts_of_file(file).unwrap();
    assert_eq!(contexts.keys().collect::<Vec<_>>(), ["KafkaServer", "internal.KafkaServer"]);
    assert_eq!(contexts["KafkaServer"].len(), 2);
    assert_eq!(contexts["KafkaServer"][0].option("a"), Some("1"));
    for broken in [
        "KafkaServer",
        "KafkaServer { x required;",
        "KafkaServer { x required; }",
        "{ };",
        "K { x required \"a; };",
    ] {
        assert!(contexts_of_file(broken).is_err(), "{broken}");
    }
}
