//! The APIs of SCRAM credentials.

use barnabas::wire::message::alter_user_scram_credentials::{
    AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse, ScramCredentialDeletion,
    ScramCredentialUpsertion,
};
use barnabas::wire::message::describe_user_scram_credentials::{
    DescribeUserScramCredentialsRequest, UserName,
};

use super::Caller;

const SHA_256: i8 = 1;
const SHA_512: i8 = 2;

fn upsertion(name: &str, mechanism: i8, iterations: i32) -> ScramCredentialUpsertion {
    let (salt, salted_password) = (b"salt".as_slice().into(), b"salted".as_slice().into());
    ScramCredentialUpsertion { name: name.to_owned(), mechanism, iterations, salt, salted_password }
}

fn deletion(name: &str, mechanism: i8) -> ScramCredentialDeletion {
    ScramCredentialDeletion { name: name.to_owned(), mechanism }
}

impl Caller {
    /// Credentials of two users are set, described and removed, among changes that no user can have.
    pub fn describes_and_changes_credentials(&mut self) {
        self.describe_credentials("before", Some(&["u", "v"]));
        let upsertions =
            vec![upsertion("u", SHA_256, 4096), upsertion("u", SHA_512, 8192), upsertion("v", 1, 4096)];
        self.alter_credentials("two users", vec![], upsertions);
        self.describe_credentials("one of two", Some(&["u"]));
        self.describe_credentials("all", None);
        self.describe_credentials("none by name", Some(&[]));
        self.describe_credentials("one twice, one that is none", Some(&["u", "u", "no-such"]));
        let odd = vec![
            upsertion("few", SHA_256, 1),
            upsertion("many", SHA_512, 100_000),
            upsertion("other", 3, 4096),
            upsertion("", SHA_256, 4096),
            upsertion("twice", SHA_256, 4096),
            upsertion("twice", SHA_256, 8192),
        ];
        self.alter_credentials("what none can have", vec![deletion("no-such", SHA_256)], odd);
        let both = vec![deletion("u", SHA_256), deletion("u", SHA_512), deletion("v", SHA_256)];
        self.alter_credentials("removed", both, vec![]);
        self.describe_credentials("after", Some(&["u", "v"]));
        self.alter_credentials("nothing", vec![], vec![]);
    }

    fn describe_credentials(&mut self, note: &str, users: Option<&[&str]>) {
        let users =
            users.map(|users| users.iter().map(|name| UserName { name: (*name).to_owned() }).collect());
        self.ask_sorted(note, &DescribeUserScramCredentialsRequest { users }, |it| {
            it.results.sort_by(|a, b| a.user.cmp(&b.user));
        });
    }

    fn alter_credentials(
        &mut self,
        note: &str,
        deletions: Vec<ScramCredentialDeletion>,
        upsertions: Vec<ScramCredentialUpsertion>,
    ) {
        let request = AlterUserScramCredentialsRequest { deletions, upsertions };
        self.ask_sorted(note, &request, |it: &mut AlterUserScramCredentialsResponse| {
            it.results.sort_by(|a, b| a.user.cmp(&b.user));
        });
    }
}
