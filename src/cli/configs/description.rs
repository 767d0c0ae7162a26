//! What `--describe` found: entities with their configs, printed as Kafka prints them or as JSON.
//!
//! Pure.

use serde::Serialize;

use super::entities::EntityKind;

/// What a command found, in the order in which it is printed.
#[derive(Debug, Default, Serialize)]
pub(super) struct ConfigsDescription {
    pub entities: Vec<EntityDescription>,
}

/// An entity and its configs.
#[derive(Debug, Serialize)]
pub(super) struct EntityDescription {
    /// One part, or two: a user and a client id.
    pub entity: Vec<EntityPart>,
    pub configs: Vec<ConfigDescription>,
    /// Why its configs are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Kafka's text before the configs.
    #[serde(skip)]
    pub heading: String,
    #[serde(skip)]
    pub layout: ConfigsLayout,
}

/// A part of an entity's name.
#[derive(Debug, Serialize)]
pub(super) struct EntityPart {
    #[serde(rename = "type")]
    kind: &'static str,
    /// None for the default of the kind.
    name: Option<String>,
}

impl EntityPart {
    /// Of the plain name of an entity, empty for the default.
    pub fn new(kind: EntityKind, name: &str) -> Self {
        Self { kind: kind.name(), name: Some(name.to_owned()).filter(|name| !name.is_empty()) }
    }
}

/// A config of an entity.
#[derive(Debug, Serialize)]
pub(super) struct ConfigDescription {
    pub name: String,
    /// None where it is not shown, or not set.
    pub value: Option<String>,
    /// What a broker answers beside the value of a topic's, a broker's or a logger's config.
    #[serde(flatten)]
    pub origin: Option<ConfigOrigin>,
}

/// Where a value comes from.
#[derive(Debug, Serialize)]
pub(super) struct ConfigOrigin {
    pub sensitive: bool,
    pub source: &'static str,
    /// All places that have a value, the one in force first.
    pub synonyms: Vec<SynonymDescription>,
}

/// A place that has a value for a config.
#[derive(Debug, Serialize)]
pub(super) struct SynonymDescription {
    pub source: &'static str,
    pub name: String,
    pub value: Option<String>,
}

/// How Kafka prints the configs of an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConfigsLayout {
    /// Behind the heading, with this between them.
    Joined(&'static str),
    /// A line each.
    Lines,
}

impl ConfigDescription {
    /// A config of which no more is known than its value.
    pub fn plain(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: Some(value.into()), origin: None }
    }

    fn line(&self) -> String {
        let (name, value) = (&self.name, shown(&self.value));
        let Some(origin) = &self.origin else { return format!("{name}={value}") };
        let synonyms = origin.synonyms.iter();
        let synonyms = synonyms.map(|it| format!("{}:{}={}", it.source, it.name, shown(&it.value)));
        let synonyms = synonyms.collect::<Vec<_>>().join(", ");
        format!("  {name}={value} sensitive={} synonyms={{{synonyms}}}", origin.sensitive)
    }
}

fn shown(value: &Option<String>) -> &str {
    value.as_deref().unwrap_or("null")
}

impl EntityDescription {
    /// Kafka's lines.
    pub fn lines(&self) -> Vec<String> {
        let configs = self.configs.iter().map(ConfigDescription::line);
        match self.layout {
            ConfigsLayout::Lines => [self.heading.clone()].into_iter().chain(configs).collect(),
            ConfigsLayout::Joined(separator) => {
                vec![format!("{}{}", self.heading, configs.collect::<Vec<_>>().join(separator))]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configs_stand_behind_a_heading_or_below_it() {
        let origin = ConfigOrigin {
            sensitive: false,
            source: "DYNAMIC_TOPIC_CONFIG",
            synonyms: vec![SynonymDescription {
                source: "DYNAMIC_TOPIC_CONFIG",
                name: "retention.ms".to_owned(),
                value: Some("1".to_owned()),
            }],
        };
        let retention =
            ConfigDescription { origin: Some(origin), ..ConfigDescription::plain("retention.ms", "1") };
        let topic = EntityDescription {
            entity: vec![EntityPart::new(EntityKind::Topics, "t")],
            configs: vec![retention],
            error: None,
            heading: "Dynamic configs for topic t are:".to_owned(),
            layout: ConfigsLayout::Lines,
        };
        let line = "  retention.ms=1 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:retention.ms=1}";
        assert_eq!(topic.lines(), ["Dynamic configs for topic t are:", line]);
        let user = EntityDescription {
            entity: vec![EntityPart::new(EntityKind::Users, "")],
            configs: vec![ConfigDescription::plain("a", "1.0"), ConfigDescription::plain("b", "2.0")],
            error: None,
            heading: "Quota configs for the default user-principal are ".to_owned(),
            layout: ConfigsLayout::Joined(", "),
        };
        assert_eq!(user.lines(), ["Quota configs for the default user-principal are a=1.0, b=2.0"]);
        let described = ConfigsDescription { entities: vec![user] };
        assert_eq!(
            serde_json::to_string(&described).unwrap(),
            r#"{"entities":[{"entity":[{"type":"users","name":null}],"configs":[{"name":"a","value":"1.0"},{"name":"b","value":"2.0"}]}]}"#
        );
    }
}
