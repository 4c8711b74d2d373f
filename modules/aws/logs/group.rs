//! A log group: what is managed of it, whichever way it is written.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use rplay_aws::{AwsParams, Tags, client, failing, is_code, once, optional, retry_on};
use rplay_client_logs::{Logs, sdk};
use rplay_module::params::{Kind, Param, ParamFault, Reader};
use rplay_module::{
    Address, Change, Choice, Cx, Fact, Failure, FailureKind, Params, Realm, Report, Resource, Result, State,
    Verdict,
};
use sdk::types::{LogGroup as Found, LogGroupClass};
use serde_json::{Map, Value};

/// What the service knows; anything else it refuses.
/// See <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>.
const RETENTIONS: [i32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];
const STANDARD: &str = "STANDARD";
const NONE: &[&str] = &["ResourceNotFoundException"];
/// Another write to the same group is going on.
const BUSY: &[&str] = &["OperationAbortedException"];
const BUSY_SECONDS: u64 = 30;

/// What both modules take.
#[derive(Params)]
#[params(
    mutually_exclusive("retention", "purge_retention_policy"),
    mutually_exclusive("purge_retention_policy", "overwrite")
)]
pub(crate) struct Settings {
    /// Whether the group shall be there.
    #[param(default = "present")]
    pub(crate) state: Presence,
    /// How many days events are kept: one of the numbers that AWS knows. Omitted: as it is; for ever in a new group.
    pub(crate) retention: Option<Days>,
    /// Keeps events for ever.
    #[param(default = false)]
    pub(crate) purge_retention_policy: bool,
    /// The ARN of the KMS key that events are encrypted with from now on; empty for none. Omitted: as it is.
    pub(crate) kms_key_id: Option<String>,
    /// Deletes a group that is there, with everything in it, and makes a fresh one: in every run.
    #[param(default = false)]
    pub(crate) overwrite: bool,
    /// The group's tags. Omitted: as they are.
    #[param(alias = "resource_tags")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
    /// Whether tags that are not named are removed, where `tags` is given.
    #[param(default = true)]
    pub(crate) purge_tags: bool,
    #[param(flatten)]
    pub(crate) aws: AwsParams,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub(crate) enum Presence {
    Present,
    Absent,
}

/// A number of days that AWS knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Days(i32);

impl Param for Days {
    fn kind() -> Kind {
        Kind::Int
    }

    fn read(reader: &mut Reader<'_>, path: &str, value: &Value) -> Option<Self> {
        let days = value.as_i64()?;
        let known = RETENTIONS.into_iter().find(|known| i64::from(*known) == days);
        if known.is_none() {
            let valid = RETENTIONS.map(|days| days.to_string()).join(", ");
            reader.fault(ParamFault::new(
                path,
                format!("Invalid retention value. Valid values are: [{valid}]"),
            ));
        }
        known.map(Self)
    }
}

/// One way to write a log group.
pub(crate) trait Form: Params {
    fn name(&self) -> &str;
    /// Returns the class asked for.
    fn class(&self) -> Option<&str>;
    fn settings(&self) -> &Settings;
    /// Returns what `register` receives; `None` for a group that is gone.
    fn output(&self, group: Option<&Group>) -> Value;
}

/// A log group as it is or shall be.
#[derive(Clone, Debug, PartialEq, State)]
pub(crate) struct Group {
    /// Days; `None` for ever.
    pub(crate) retention: Option<i32>,
    pub(crate) kms_key_id: Option<String>,
    pub(crate) log_group_class: String,
    pub(crate) tags: Tags,
    /// It was there before, and is to be made anew.
    #[state(hidden)]
    stale: bool,
    /// Without the `:*` at the end.
    pub(crate) arn: Fact<String>,
    /// Milliseconds since 1970.
    pub(crate) creation_time: Fact<i64>,
    /// What else is told of it, in Ansible's spelling.
    pub(crate) further: Fact<Value>,
}

/// Keeps a log group that is written as `P`.
pub(crate) struct LogGroup<P>(PhantomData<fn() -> P>);

impl<P> Default for LogGroup<P> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<P: Form> Resource for LogGroup<P> {
    type Params = P;
    type State = Group;
    type Around = ();
    type Receipt = ();

    fn address(&self, p: &P) -> Address {
        Address::new("logs.group", p.name())
    }

    fn refers(&self, _: &P) -> Option<Vec<Address>> {
        Some(Vec::new())
    }

    async fn read(&self, cx: &Cx, p: &P, receipt: Option<&()>) -> Result<(Option<Group>, ())> {
        let logs = client::<Logs>(cx, &p.settings().aws).await?;
        let Some(found) = logs.group(p.name()).await? else { return Ok((None, ())) };
        let arn = found.log_group_arn().or(found.arn()).map(|arn| arn.trim_end_matches(":*").to_owned());
        let tags = match &arn {
            Some(arn) => tags(cx, &logs, p, arn).await?,
            None => Tags::default(),
        };
        // Once this task has written, what is there is the fresh one.
        let stale = p.settings().overwrite && receipt.is_none();
        Ok((Some(Group::of(&found, arn, tags, stale)), ()))
    }

    fn desired(&self, p: &P, (): &(), have: Option<&Group>) -> Result<Option<Group>> {
        let settings = p.settings();
        if settings.state == Presence::Absent {
            return Ok(None);
        }
        let have = have.filter(|have| !have.stale);
        let class = p.class().or(have.map(|have| have.log_group_class.as_str())).unwrap_or(STANDARD);
        if let Some(have) = have.filter(|have| have.log_group_class != class) {
            return Err(class_stays(p.name(), &have.log_group_class, class));
        }
        let retention = match settings.retention {
            Some(Days(days)) => Some(days),
            None if settings.purge_retention_policy => None,
            None => have.and_then(|have| have.retention),
        };
        let key = match &settings.kms_key_id {
            Some(key) => Some(key.clone()).filter(|key| !key.is_empty()),
            None => have.and_then(|have| have.kms_key_id.clone()),
        };
        Ok(Some(Group {
            retention,
            kms_key_id: key,
            log_group_class: class.to_owned(),
            tags: Tags::desired(settings.tags.as_ref(), settings.purge_tags, have.map(|have| &have.tags)),
            stale: false,
            arn: have.map(|have| have.arn.clone()).unwrap_or_default(),
            creation_time: have.map(|have| have.creation_time.clone()).unwrap_or_default(),
            further: have.map(|have| have.further.clone()).unwrap_or_default(),
        }))
    }

    fn verdict(&self, _: &P, have: &Group, want: &Group) -> Verdict {
        match have {
            have if have.stale => Verdict::Replace("overwrite asks for a fresh group".to_owned()),
            have if have == want => Verdict::Keep,
            _ => Verdict::Update,
        }
    }

    async fn apply(&self, cx: &Cx, p: &P, (): &(), change: Change<'_, Group>) -> Result<()> {
        let logs = client::<Logs>(cx, &p.settings().aws).await?;
        let writer = Writer { cx, logs: &logs, name: p.name() };
        match change {
            Change::Create { want } => writer.create(want).await,
            Change::Update { have, want } => writer.update(have, want).await,
            Change::Delete { .. } => writer.delete().await,
        }
    }

    fn output(&self, p: &P, report: &Report<'_, Self>) -> Value {
        p.output(report.after)
    }

    fn id(&self, state: &Group) -> Option<String> {
        state.arn.known().cloned()
    }

    fn ours(&self, have: &Group) -> bool {
        have.tags.owned()
    }

    async fn realm(&self, cx: &Cx, p: &P) -> Result<Realm> {
        rplay_client_sts::realm(cx, &p.settings().aws).await
    }
}

impl Group {
    fn of(found: &Found, arn: Option<String>, tags: Tags, stale: bool) -> Self {
        Self {
            retention: found.retention_in_days(),
            kms_key_id: found.kms_key_id().map(str::to_owned),
            log_group_class: found.log_group_class().map_or(STANDARD, LogGroupClass::as_str).to_owned(),
            tags,
            stale,
            arn: Fact::from_answer(arn),
            creation_time: Fact::from_answer(found.creation_time()),
            further: further(found).into(),
        }
    }
}

/// Returns what Ansible passes on of a group's description although nothing here manages it.
fn further(found: &Found) -> Value {
    let inherited = found.inherited_properties.as_ref();
    let inherited = inherited.map(|names| names.iter().map(|name| Value::from(name.as_str())).collect());
    let fields = [
        ("metric_filter_count", found.metric_filter_count().map(Value::from)),
        ("stored_bytes", found.stored_bytes().map(Value::from)),
        ("data_protection_status", found.data_protection_status().map(|status| status.as_str().into())),
        ("deletion_protection_enabled", found.deletion_protection_enabled().map(Value::from)),
        ("inherited_properties", inherited.map(Value::Array)),
    ];
    Value::Object(
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect::<Map<_, _>>(),
    )
}

/// Reads the tags. Who may not read them and does not ask for any gets none, and a warning, as with Ansible.
async fn tags<P: Form>(cx: &Cx, logs: &Logs, p: &P, arn: &str) -> Result<Tags> {
    match logs.tags_of(arn).await {
        Err(failure) if is_code(&failure, &["AccessDeniedException"]) && p.settings().tags.is_none() => {
            cx.warn(format!("Permission denied listing tags for log group {}", p.name()));
            Ok(Tags::default())
        }
        read => read,
    }
}

fn class_stays(name: &str, have: &str, want: &str) -> Failure {
    Failure::new(format!(
        "could not make log group {name} one of class {want}: it is {have}, and AWS cannot change that"
    ))
    .hint("give the group another name; `overwrite: true` makes a fresh one and loses what is in it")
}

/// The calls that change one group.
struct Writer<'a> {
    cx: &'a Cx,
    logs: &'a Logs,
    name: &'a str,
}

impl Writer<'_> {
    async fn create(&self, want: &Group) -> Result<()> {
        let name = self.name;
        let class = LogGroupClass::from(want.log_group_class.as_str());
        let tags = want.tags.for_creation(self.cx);
        let call = self
            .logs
            .create_log_group()
            .log_group_name(name)
            .set_kms_key_id(want.kms_key_id.clone())
            // What is the default needs not be said: stand-ins and older endpoints do not know the field.
            .set_log_group_class(Some(class).filter(|class| *class != LogGroupClass::Standard))
            .set_tags(
                Some(tags.into_iter().collect())
                    .filter(|tags: &std::collections::HashMap<_, _>| !tags.is_empty()),
            );
        let created = call.customize().interceptor(once()).send().await;
        created.map_err(failing(format!("create log group {name}"))).map_err(look_again)?;
        self.keep_for(None, want.retention).await
    }

    async fn update(&self, have: &Group, want: &Group) -> Result<()> {
        self.keep_for(have.retention, want.retention).await?;
        self.encrypt(have.kms_key_id.as_deref(), want.kms_key_id.as_deref()).await?;
        self.retag(have, want).await
    }

    async fn keep_for(&self, have: Option<i32>, want: Option<i32>) -> Result<()> {
        if have == want {
            return Ok(());
        }
        let name = self.name;
        retry_on(self.cx, BUSY, BUSY_SECONDS, || async {
            let failed = format!("set the retention of log group {name}");
            if let Some(days) = want {
                let call = self.logs.put_retention_policy().log_group_name(name).retention_in_days(days);
                call.send().await.map_err(failing(failed)).map(drop)
            } else {
                let call = self.logs.delete_retention_policy().log_group_name(name);
                call.send().await.map_err(failing(failed)).map(drop)
            }
        })
        .await
    }

    async fn encrypt(&self, have: Option<&str>, want: Option<&str>) -> Result<()> {
        if have == want {
            return Ok(());
        }
        let name = self.name;
        retry_on(self.cx, BUSY, BUSY_SECONDS, || async {
            let failed = format!("set the key of log group {name}");
            if let Some(key) = want {
                let call = self.logs.associate_kms_key().log_group_name(name).kms_key_id(key);
                call.send().await.map_err(failing(failed)).map(drop)
            } else {
                let call = self.logs.disassociate_kms_key().log_group_name(name);
                call.send().await.map_err(failing(failed)).map(drop)
            }
        })
        .await
    }

    async fn retag(&self, have: &Group, want: &Group) -> Result<()> {
        let change = have.tags.change(&want.tags);
        let Some(arn) = have.arn.known() else { return Ok(()) };
        let failed = format!("tag log group {}", self.name);
        if !change.remove.is_empty() {
            let call = self.logs.untag_resource().resource_arn(arn).set_tag_keys(Some(change.remove));
            call.send().await.map_err(failing(failed.as_str()))?;
        }
        if !change.set.is_empty() {
            let set = change.set.into_iter().collect();
            let call = self.logs.tag_resource().resource_arn(arn).set_tags(Some(set));
            call.send().await.map_err(failing(failed))?;
        }
        Ok(())
    }

    async fn delete(&self) -> Result<()> {
        let name = self.name;
        retry_on(self.cx, BUSY, BUSY_SECONDS, || async {
            let deleted = self.logs.delete_log_group().log_group_name(name).send().await;
            optional(deleted.map_err(failing(format!("delete log group {name}"))), NONE).map(drop)
        })
        .await
    }
}

/// It was not there a moment ago: a creation whose answer was lost, or one that is not seen everywhere yet. The driver reads
/// again and goes on with what is there.
fn look_again(failure: Failure) -> Failure {
    if is_code(&failure, &["ResourceAlreadyExistsException"]) {
        return Failure { kind: FailureKind::Lost, ..failure };
    }
    failure
}

#[cfg(test)]
mod tests;
