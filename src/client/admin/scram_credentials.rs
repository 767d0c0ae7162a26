//! SCRAM credentials of users: described, set and removed. A password never leaves the client: it sends the salted
//! hash.
//!
//! Kafka: `UserScramCredentialAlteration`, `UserScramCredentialUpsertion`, `UserScramCredentialDeletion`,
//! `ScramCredentialInfo` (KIP-554).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytes::Bytes;

use super::Admin;
use super::item_api::{ItemApi, OF_CONTROLLER};
use super::item_results::{AnsweredItems, ItemResults, refused};
use crate::client::error::ClientError;
use crate::client::metadata::Target;
use crate::security::ScramMechanism;
use crate::wire::error_code::ErrorCode;
use crate::wire::message::alter_user_scram_credentials::{
    AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse, ScramCredentialDeletion,
    ScramCredentialUpsertion,
};
use crate::wire::message::describe_user_scram_credentials::{
    DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse,
    DescribeUserScramCredentialsResult, UserName,
};

/// Bytes of a salt that the client makes.
const SALT_BYTES: usize = 26;

/// A credential without its secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScramCredentialInfo {
    /// How the password is hashed.
    pub mechanism: ScramMechanism,
    /// How often it is hashed; brokers take 4096 to 16384.
    pub iterations: i32,
}

/// A change to a credential of a user.
#[derive(Clone)]
pub struct UserScramCredentialAlteration {
    user: String,
    change: CredentialChange,
}

#[derive(Clone)]
enum CredentialChange {
    Deletion(ScramMechanism),
    Upsertion { info: ScramCredentialInfo, password: Bytes, salt: Option<Bytes> },
}

impl UserScramCredentialAlteration {
    /// Sets a user's credential, with a salt made at random.
    #[doc(alias = "UserScramCredentialUpsertion")]
    pub fn upsert(user: impl Into<String>, info: ScramCredentialInfo, password: impl Into<Bytes>) -> Self {
        let change = CredentialChange::Upsertion { info, password: password.into(), salt: None };
        Self { user: user.into(), change }
    }

    /// The same change with this salt; a deletion has none.
    pub fn salted(mut self, with: impl Into<Bytes>) -> Self {
        if let CredentialChange::Upsertion { salt, .. } = &mut self.change {
            *salt = Some(with.into());
        }
        self
    }

    /// Removes a user's credential.
    #[doc(alias = "UserScramCredentialDeletion")]
    pub fn delete(user: impl Into<String>, mechanism: ScramMechanism) -> Self {
        Self { user: user.into(), change: CredentialChange::Deletion(mechanism) }
    }

    /// The change as it is sent, hashed: this takes milliseconds.
    fn prepare(self) -> Result<PreparedCredential, ClientError> {
        let Self { user: name, change } = self;
        if name.is_empty() {
            return Err(refused(ErrorCode::UnacceptableCredential, "Username must not be empty"));
        }
        let unknown = || refused(ErrorCode::UnsupportedSaslMechanism, "Unknown SCRAM mechanism");
        match change {
            CredentialChange::Deletion(ScramMechanism::Unknown) => Err(unknown()),
            CredentialChange::Deletion(mechanism) => {
                Ok(PreparedCredential::Deletion(ScramCredentialDeletion { name, mechanism: mechanism as i8 }))
            }
            CredentialChange::Upsertion { password, .. } if password.is_empty() => {
                Err(refused(ErrorCode::UnacceptableCredential, "Password must not be empty"))
            }
            CredentialChange::Upsertion {
                info: ScramCredentialInfo { mechanism, iterations },
                password,
                salt,
            } => {
                let salt = salt.map_or_else(random_salt, Ok)?;
                let counted = u32::try_from(iterations).unwrap_or(0);
                let salted = mechanism.salted_password(&password, &salt, counted).ok_or_else(unknown)?;
                let mechanism = mechanism as i8;
                let salted_password = salted.into();
                let upsertion =
                    ScramCredentialUpsertion { name, mechanism, iterations, salt, salted_password };
                Ok(PreparedCredential::Upsertion(upsertion))
            }
        }
    }
}

impl fmt::Debug for UserScramCredentialAlteration {
    /// Leaves the password out.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("UserScramCredentialAlteration").field("user", &self.user).finish_non_exhaustive()
    }
}

fn random_salt() -> Result<Bytes, ClientError> {
    let mut salt = [0; SALT_BYTES];
    match getrandom::fill(&mut salt) {
        Ok(()) => Ok(Bytes::copy_from_slice(&salt)),
        Err(error) => Err(refused(ErrorCode::UnknownServerError, error.to_string())),
    }
}

/// A change that is ready to be sent.
#[derive(Clone)]
enum PreparedCredential {
    Deletion(ScramCredentialDeletion),
    Upsertion(ScramCredentialUpsertion),
}

impl Admin {
    /// The credentials of these users, or of all for None. It answers with no secret.
    ///
    /// # Errors
    /// The caller may not describe the cluster, no broker answers. A user alone can fail, too: it has no credential.
    pub async fn describe_user_scram_credentials(
        &self,
        users: Option<&[String]>,
    ) -> Result<ItemResults<String, Vec<ScramCredentialInfo>>, ClientError> {
        let users: Option<BTreeSet<_>> = users.map(|users| users.iter().cloned().collect());
        let request = |_| {
            let users =
                users.as_ref().map(|it| it.iter().map(|name| UserName { name: name.clone() }).collect());
            DescribeUserScramCredentialsRequest { users }
        };
        let check = |answer: &DescribeUserScramCredentialsResponse| {
            ClientError::check(answer.error_code, answer.error_message.as_deref())
        };
        let answer = self.call(&Target::Any, request, check).await?;
        let all = answer.results.into_iter().map(|it| (it.user.clone(), credentials(&it)));
        let Some(users) = users else { return Ok(all.collect()) };
        let asked: Vec<_> = users.into_iter().collect();
        let mut found = AnsweredItems::new(&asked);
        for (user, result) in all {
            found.insert(&user, result);
        }
        Ok(found.finish().collect())
    }

    /// Sets and removes credentials. A user with a change that is none gets no change.
    ///
    /// Errors of a user: a name or a password is empty, too few or too many iterations, there is no credential to
    /// remove, the caller may not alter the cluster.
    pub async fn alter_user_scram_credentials(
        &self,
        alterations: impl IntoIterator<Item = UserScramCredentialAlteration>,
    ) -> ItemResults<String, ()> {
        let alterations: Vec<_> = alterations.into_iter().collect();
        let users: BTreeSet<_> = alterations.iter().map(|it| it.user.clone()).collect();
        let hashing = tokio::task::spawn_blocking(move || {
            let mut changes = BTreeMap::<String, Result<Vec<PreparedCredential>, ClientError>>::new();
            for alteration in alterations {
                let of_user = changes.entry(alteration.user.clone()).or_insert_with(|| Ok(Vec::new()));
                match (&mut *of_user, alteration.prepare()) {
                    (Ok(changes), Ok(change)) => changes.push(change),
                    (Ok(_), Err(error)) => *of_user = Err(error),
                    (Err(_), _) => {}
                }
            }
            changes
        });
        let Ok(changes) = hashing.await else {
            return users.into_iter().map(|user| (user, Err(ClientError::Closed))).collect();
        };
        self.call_each(&AlterUserScramCredentialsApi(changes), users).await
    }
}

fn credentials(it: &DescribeUserScramCredentialsResult) -> Result<Vec<ScramCredentialInfo>, ClientError> {
    ClientError::check(it.error_code, it.error_message.as_deref())?;
    let infos = it.credential_infos.iter().map(|info| ScramCredentialInfo {
        mechanism: ScramMechanism::from_code(info.mechanism),
        iterations: info.iterations,
    });
    Ok(infos.collect())
}

/// The changes of each user, or why there are none.
struct AlterUserScramCredentialsApi(BTreeMap<String, Result<Vec<PreparedCredential>, ClientError>>);

impl ItemApi for AlterUserScramCredentialsApi {
    type Item = String;
    type Outcome = ();
    type Request = AlterUserScramCredentialsRequest;

    const PASSING: &'static [ErrorCode] = OF_CONTROLLER;

    fn admit(&self, user: &String) -> Result<(), ClientError> {
        match self.0.get(user) {
            Some(Err(error)) => Err(error.clone()),
            _ => Ok(()),
        }
    }

    fn target(&self, _: &String) -> Target {
        Target::Controller
    }

    fn request(&self, users: &[String], _: i32) -> AlterUserScramCredentialsRequest {
        let mut request = AlterUserScramCredentialsRequest::default();
        for change in users.iter().filter_map(|user| self.0.get(user)?.as_ref().ok()).flatten() {
            match change.clone() {
                PreparedCredential::Deletion(deletion) => request.deletions.push(deletion),
                PreparedCredential::Upsertion(upsertion) => request.upsertions.push(upsertion),
            }
        }
        request
    }

    fn read(
        &self,
        _: &[String],
        answer: AlterUserScramCredentialsResponse,
        found: &mut AnsweredItems<String, ()>,
    ) -> Result<(), ClientError> {
        for it in &answer.results {
            found.insert_checked(&it.user, it.error_code, it.error_message.as_deref(), ());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The salted password of RFC 7677's example: user `user`, password `pencil`, 4096 iterations.
    #[test]
    fn a_password_is_salted_as_the_rfc_has_it() {
        use base64::Engine;
        let base64 = base64::engine::general_purpose::STANDARD;
        let salt = base64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let info = ScramCredentialInfo { mechanism: ScramMechanism::ScramSha256, iterations: 4096 };
        let change = UserScramCredentialAlteration::upsert("user", info, "pencil").salted(salt);
        let Ok(PreparedCredential::Upsertion(sent)) = change.prepare() else { panic!("it was refused") };
        assert_eq!(base64.encode(&*sent.salted_password), "xKSVEDI6tPlSysH6mUQZOeeOp01r6B3fcJbodRPcYV0=");
        assert_eq!((sent.mechanism, sent.iterations), (1, 4096));
    }

    #[test]
    fn a_change_that_is_none_is_not_sent() {
        let info = ScramCredentialInfo { mechanism: ScramMechanism::ScramSha512, iterations: 4096 };
        let text =
            |change: UserScramCredentialAlteration| change.prepare().map(drop).unwrap_err().to_string();
        assert_eq!(text(UserScramCredentialAlteration::upsert("", info, "p")), "Username must not be empty");
        assert_eq!(text(UserScramCredentialAlteration::upsert("u", info, "")), "Password must not be empty");
        let unknown = UserScramCredentialAlteration::delete("u", ScramMechanism::Unknown);
        assert_eq!(text(unknown), "Unknown SCRAM mechanism");
    }
}
