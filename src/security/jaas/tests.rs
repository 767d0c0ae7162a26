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
    assert_eq!(words("x required username;"), "Value not specified for key 'username' in JAAS config");
    assert_eq!(words("x required password=my secret;"), "Value not specified for a key in JAAS config");
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

#[test]
fn a_client_logs_in_as_the_first_user_of_its_modules() {
    const PLAIN: &str = "org.apache.kafka.common.security.plain.PlainLoginModule";
    const SCRAM: &str = "org.apache.kafka.common.security.scram.ScramLoginModule";
    let login = |modules: &[&str]| {
        let modules: Vec<_> = modules.iter().map(|text| module_of_setting(text).unwrap()).collect();
        login_of(SaslMechanism::Plain, &modules).map(|it| (it.user, it.password)).map_err(|it| it.to_string())
    };
    let alice = format!("{SCRAM} required username=alice password=\"a\";");
    let bob = format!("{PLAIN} required username=bob password=\"b\";");
    let owned = |user: &str, password: &str| Ok((user.to_owned(), password.to_owned()));
    assert_eq!(login(&[&alice, &bob]), owned("alice", "a"));
    assert_eq!(login(&[&format!("{PLAIN} required user_x=\"y\";"), &bob]), owned("bob", "b"));
    let error = |text: &str| login(&[text]).unwrap_err();
    assert_eq!(error("a.B required username=x password=y;"), "unable to find LoginModule class: a.B");
    assert_eq!(
        error(&format!("{PLAIN} required username=x;")),
        "Could not login: the JAAS configuration has no password for PLAIN"
    );
    let token = format!("{SCRAM} required username=id password=hmac tokenauth=\"true\";");
    assert_eq!(error(&token), "Logins by delegation token (tokenauth) are not built yet");
}

#[test]
fn clients_have_a_context_of_their_own() {
    let file = JaasFile { path: Some("/jaas".to_owned()), ..JaasFile::default() };
    assert_eq!(
        file.client_modules().unwrap_err().to_string(),
        "Could not find a 'KafkaClient' entry in the JAAS configuration. System property \
         'java.security.auth.login.config' is /jaas"
    );
    let contexts = contexts_of_file("KafkaClient { x required username=u; };").unwrap();
    let file = JaasFile { contexts, ..file };
    assert_eq!(file.client_modules().unwrap()[0].option("username"), Some("u"));
}
