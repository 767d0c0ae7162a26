//! JAAS configurations: which login module has which options, by setting or by file.
//!
//! Reads one file, at the start. The syntax is that of `sasl.jaas.config`, `MODULE FLAG NAME="VALUE" …;`. In files such
//! entries stand in braces behind the name of their context. Kafka: `JaasConfig`, `JaasContext`.

use std::collections::BTreeMap;
use std::fmt;

use super::sasl::SaslMechanism;
use super::sasl::client::SaslLogin;
use crate::config::ConfigError;

/// A login module and its options, among them passwords.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginModule {
    /// The Java class.
    pub class: String,
    options: BTreeMap<String, String>,
}

impl LoginModule {
    /// The value of an option.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }
}

/// Without the options' values.
impl fmt::Debug for LoginModule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.options.keys().collect();
        out.debug_struct("LoginModule").field("class", &self.class).field("options", &names).finish()
    }
}

/// Why a configuration cannot be used: Kafka's words. Never holds a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JaasError(String);

fn error(words: impl Into<String>) -> JaasError {
    JaasError(words.into())
}

/// The user that these modules let a client log in as: the first `username` and the first `password` among them, as
/// Java finds them among a subject's credentials.
///
/// # Errors
/// [`JaasError`]: a module is none of PLAIN or SCRAM, one of the two options is missing, or the login is by delegation
/// token.
pub fn login_of(mechanism: SaslMechanism, modules: &[LoginModule]) -> Result<SaslLogin, JaasError> {
    check_classes(modules)?;
    if modules.iter().any(|module| module.option("tokenauth") == Some("true")) {
        return Err(error("Logins by delegation token (tokenauth) are not built yet"));
    }
    let option = |name: &str| modules.iter().find_map(|module| module.option(name)).map(str::to_owned);
    let missing = |name: &str| {
        error(format!("Could not login: the JAAS configuration has no {name} for {}", mechanism.name()))
    };
    let user = option("username").ok_or_else(|| missing("username"))?;
    let password = option("password").ok_or_else(|| missing("password"))?;
    Ok(SaslLogin { mechanism, user, password })
}

/// Refuses a module that is none of Kafka's for PLAIN and SCRAM.
fn check_classes(modules: &[LoginModule]) -> Result<(), JaasError> {
    let is_known = |module: &LoginModule| {
        SaslMechanism::ALL.into_iter().any(|mechanism| mechanism.login_module() == module.class)
    };
    match modules.iter().find(|module| !is_known(module)) {
        None => Ok(()),
        Some(other) => Err(error(format!("unable to find LoginModule class: {}", other.class))),
    }
}

/// The one module of a `sasl.jaas.config`.
///
/// # Errors
/// [`JaasError`]: the syntax is wrong, or there is not one module.
pub fn module_of_setting(text: &str) -> Result<LoginModule, JaasError> {
    let mut tokens = JaasTokens::new(text);
    let mut modules = Vec::new();
    while let Some(token) = tokens.next_token() {
        modules.push(entry(token, &mut tokens)?);
    }
    match <[LoginModule; 1]>::try_from(modules) {
        Ok([module]) => Ok(module),
        Err(none) if none.is_empty() => Err(error("Login module not specified in JAAS config")),
        Err(several) => Err(error(format!(
            "JAAS config property contains {} login modules, should be 1 module",
            several.len()
        ))),
    }
}

/// The contexts of a file: their names, and the modules of each.
fn contexts_of_file(text: &str) -> Result<BTreeMap<String, Vec<LoginModule>>, JaasError> {
    let mut tokens = JaasTokens::new(text);
    let mut contexts = BTreeMap::new();
    while let Some(token) = tokens.next_token() {
        let JaasToken::Word(name) = token else { return Err(error("Context name expected in JAAS config")) };
        if tokens.next_token() != Some(JaasToken::Mark('{')) {
            return Err(error(format!("'{{' expected behind context {name} in JAAS config")));
        }
        let mut modules = Vec::new();
        loop {
            match tokens.next_token() {
                Some(JaasToken::Mark('}')) => break,
                Some(token) => modules.push(entry(token, &mut tokens)?),
                None => return Err(error(format!("Context {name} is not closed in JAAS config"))),
            }
        }
        if tokens.next_token() != Some(JaasToken::Mark(';')) {
            return Err(error(format!("';' expected behind context {name} in JAAS config")));
        }
        contexts.insert(name, modules);
    }
    Ok(contexts)
}

/// A module that begins with this token.
fn entry(first: JaasToken, tokens: &mut JaasTokens<'_>) -> Result<LoginModule, JaasError> {
    let JaasToken::Word(class) = first else {
        return Err(error("Login module not specified in JAAS config"));
    };
    let flag = match tokens.next_token() {
        None => return Err(error("Login module control flag not specified in JAAS config")),
        Some(JaasToken::Word(flag)) => flag,
        Some(JaasToken::Mark(_)) => {
            return Err(error("Login module control flag is not available in the JAAS config"));
        }
    };
    if !["REQUIRED", "REQUISITE", "SUFFICIENT", "OPTIONAL"].contains(&flag.to_uppercase().as_str()) {
        return Err(error(format!("Invalid login module control flag '{flag}' in JAAS config")));
    }
    let mut options = BTreeMap::new();
    loop {
        let key = match tokens.next_token() {
            Some(JaasToken::Mark(';')) => return Ok(LoginModule { class, options }),
            Some(JaasToken::Word(key)) => key,
            Some(JaasToken::Mark(_)) => return Err(error("Option name expected in JAAS config")),
            None => return Err(error("JAAS config entry not terminated by semi-colon")),
        };
        let (mark, value) = (tokens.next_token(), tokens.next_token());
        let (Some(JaasToken::Mark('=')), Some(JaasToken::Word(value))) = (mark, value) else {
            return Err(no_value(&key));
        };
        options.insert(key, value);
    }
}

/// The error of an option without a value. What stands there may be a part of a password that was not quoted: only the
/// names of options are named.
fn no_value(key: &str) -> JaasError {
    let is_name = ["username", "password", "tokenauth"].contains(&key);
    let key = if is_name { format!("key '{key}'") } else { "a key".to_owned() };
    error(format!("Value not specified for {key} in JAAS config"))
}

/// The file of logins that Java's option `java.security.auth.login.config` names, in `KAFKA_OPTS`.
#[derive(Clone, Debug, Default)]
pub struct JaasFile {
    path: Option<String>,
    contexts: BTreeMap<String, Vec<LoginModule>>,
}

impl JaasFile {
    /// The file that Java's options name.
    ///
    /// # Errors
    /// [`JaasError`]: it cannot be read, or the syntax is wrong.
    pub fn of_java_options(options: &str) -> Result<Self, JaasError> {
        let named =
            |option: &str| Some(option.strip_prefix("-Djava.security.auth.login.config=")?.to_owned());
        let Some(path) = options.split_whitespace().filter_map(named).next_back() else {
            return Ok(Self::default());
        };
        let text = std::fs::read_to_string(&path).map_err(|cause| error(format!("{path}: {cause}")))?;
        let contexts =
            contexts_of_file(&text).map_err(|JaasError(words)| error(format!("{path}: {words}")))?;
        Ok(Self { path: Some(path), contexts })
    }

    /// Whether the file has a login for ZooKeeper.
    pub fn has_zookeeper_login(&self) -> bool {
        self.contexts.contains_key("Client")
    }

    /// The login modules of a listener: that of its own setting, or else those that the file has for it.
    ///
    /// # Errors
    /// [`JaasError`]: the setting's syntax is wrong, neither has a module, or one of them is no module of Kafka's.
    pub fn server_modules(
        &self,
        listener: &str,
        setting: Option<&str>,
    ) -> Result<Vec<LoginModule>, JaasError> {
        let modules = match setting {
            Some(setting) => vec![module_of_setting(setting)?],
            None => self.server_context(listener)?,
        };
        check_classes(&modules)?;
        Ok(modules)
    }

    /// The login modules that the file has for clients, in its context `KafkaClient`.
    ///
    /// # Errors
    /// [`JaasError`]: there is no such context.
    pub fn client_modules(&self) -> Result<&[LoginModule], JaasError> {
        let found = self.contexts.get("KafkaClient").map(Vec::as_slice);
        found.ok_or_else(|| self.no_entry("a 'KafkaClient'"))
    }

    fn no_entry(&self, entry: &str) -> JaasError {
        let path = self.path.as_deref().unwrap_or("not set");
        error(format!(
            "Could not find {entry} entry in the JAAS configuration. System property \
             'java.security.auth.login.config' is {path}"
        ))
    }

    fn server_context(&self, listener: &str) -> Result<Vec<LoginModule>, JaasError> {
        let (own, all) = (format!("{}.KafkaServer", listener.to_lowercase()), "KafkaServer");
        let found = self.contexts.get(&own).or_else(|| self.contexts.get(all));
        found.cloned().ok_or_else(|| self.no_entry(&format!("a '{all}' or '{own}'")))
    }
}

impl From<JaasError> for ConfigError {
    fn from(error: JaasError) -> Self {
        Self::Illegal(error.to_string())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum JaasToken {
    /// A word, or what stands in quotes.
    Word(String),
    Mark(char),
}

/// The tokens of a text, as Java's `StreamTokenizer` sees them.
struct JaasTokens<'a> {
    rest: &'a str,
}

impl<'a> JaasTokens<'a> {
    fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    fn next_token(&mut self) -> Option<JaasToken> {
        self.skip();
        let first = self.rest.chars().next()?;
        if first == '"' || first == '\'' {
            return Some(JaasToken::Word(self.quoted(first)));
        }
        let is_of_word =
            |letter: char| letter.is_alphanumeric() || "._-$".contains(letter) || letter > '\u{a0}';
        let end = self.rest.find(|letter| !is_of_word(letter)).unwrap_or(self.rest.len());
        if end == 0 {
            self.rest = &self.rest[first.len_utf8()..];
            return Some(JaasToken::Mark(first));
        }
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(JaasToken::Word(word.to_owned()))
    }

    /// Goes past white space and comments.
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches(|letter: char| letter <= ' ');
            let end = if self.rest.starts_with("//") || self.rest.starts_with('#') {
                self.rest.find('\n')
            } else if let Some(comment) = self.rest.strip_prefix("/*") {
                comment.find("*/").map(|at| at + 4)
            } else {
                return;
            };
            self.rest = end.map_or("", |at| &self.rest[at..]);
        }
    }

    /// What stands in quotes, up to the next quote or the end of the line.
    fn quoted(&mut self, quote: char) -> String {
        let mut text = String::new();
        let mut letters = self.rest.char_indices().skip(1);
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\n' => {
                    self.rest = &self.rest[at..];
                    return text;
                }
                '\\' => match letters.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, 'r')) => text.push('\r'),
                    Some((_, other)) => text.push(other),
                    None => break,
                },
                letter if letter == quote => {
                    self.rest = &self.rest[at + letter.len_utf8()..];
                    return text;
                }
                letter => text.push(letter),
            }
        }
        self.rest = "";
        text
    }
}

#[cfg(test)]
mod tests;
