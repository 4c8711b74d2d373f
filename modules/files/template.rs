use std::path::PathBuf;

use rplay_module::params::ControllerTemplate;
use rplay_module::{Address, Change, Cx, Diff, Failure, Params, Report, Resource, Result};
use serde_json::Value;

use crate::attributes::Attributes;
use crate::transfer::{self, Around, From, Job, Receipt};
use crate::tree::Tree;

/// Brings a text to a place that is made of a template.
#[derive(Params)]
pub(crate) struct TemplateParams {
    /// The template, beside the playbook or role.
    src: ControllerTemplate,
    /// Where the text shall be. A path that ends with a slash, or a folder that is there, is a folder it goes into.
    #[param(identity)]
    dest: PathBuf,
    /// Whether a file that is replaced is kept under a name with the time in it.
    #[param(default = false)]
    backup: bool,
    /// Whether a file that is there and differs is replaced.
    #[param(default = true)]
    force: bool,
    /// Whether a link at the destination is followed rather than replaced.
    #[param(default = false)]
    follow: bool,
    /// A command that has to accept the new file before it is put in its place; `%s` is its path.
    validate: Option<String>,
    #[param(flatten)]
    _rendering: Rendering,
    /// Only there to be refused, as Ansible refuses it.
    state: Option<Value>,
    #[param(flatten)]
    attributes: Attributes,
}

/// How the template is rendered, which the engine does before the module runs.
#[derive(Params)]
#[expect(dead_code, reason = "the engine reads them")]
pub(crate) struct Rendering {
    /// How lines end: `\n`, `\r` or `\r\n`.
    newline_sequence: Option<String>,
    /// Whether the newline after a block is left out; omitted it is.
    trim_blocks: Option<bool>,
    /// Whether the spaces before a block are left out; omitted they are not.
    lstrip_blocks: Option<bool>,
    /// What begins a block; omitted `{%`.
    block_start_string: Option<String>,
    /// What ends a block; omitted `%}`.
    block_end_string: Option<String>,
    /// What begins a value; omitted `{{`.
    variable_start_string: Option<String>,
    /// What ends a value; omitted `}}`.
    variable_end_string: Option<String>,
    /// What begins a comment; omitted `{#`.
    comment_start_string: Option<String>,
    /// What ends a comment; omitted `#}`.
    comment_end_string: Option<String>,
    /// How the text is written, by Python's name of the encoding; omitted UTF-8.
    output_encoding: Option<String>,
}

impl TemplateParams {
    fn job(&self) -> Result<Job<'_>> {
        if self.state.is_some() {
            return Err(Failure::new("'state' cannot be specified on a template"));
        }
        Ok(Job {
            from: From::Rendered(&self.src.path, &self.src.content),
            dest: &self.dest,
            backup: self.backup,
            force: self.force,
            follow: self.follow,
            local_follow: None,
            validate: self.validate.as_deref(),
            directory_mode: None,
            checksum: None,
            attributes: &self.attributes,
        })
    }
}

pub(crate) struct Template;

impl Resource for Template {
    type Params = TemplateParams;
    type State = Tree;
    type Around = Around;
    type Receipt = Receipt;

    fn address(&self, p: &TemplateParams) -> Address {
        transfer::address(&p.dest)
    }

    fn refers(&self, p: &TemplateParams) -> Option<Vec<Address>> {
        Some(transfer::refers(&p.dest))
    }

    async fn read(
        &self,
        cx: &Cx,
        p: &TemplateParams,
        receipt: Option<&Receipt>,
    ) -> Result<(Option<Tree>, Around)> {
        transfer::read(cx, &p.job()?, receipt).await
    }

    fn desired(&self, p: &TemplateParams, around: &Around, have: Option<&Tree>) -> Result<Option<Tree>> {
        around.want(&p.dest, have)
    }

    async fn apply(
        &self,
        cx: &Cx,
        p: &TemplateParams,
        around: &Around,
        change: Change<'_, Tree>,
    ) -> Result<Receipt> {
        transfer::apply(cx, &p.job()?, around, change).await
    }

    fn output(&self, _p: &TemplateParams, report: &Report<'_, Self>) -> Value {
        transfer::output(report)
    }

    fn checked(&self, _p: &TemplateParams, report: &Report<'_, Self>) -> Value {
        transfer::checked(report)
    }

    fn diff(&self, _p: &TemplateParams, report: &Report<'_, Self>) -> Option<Vec<Diff>> {
        Some(transfer::diff(report))
    }

    /// A file is what it was made at once, or never.
    fn patience(&self, _p: &TemplateParams) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use rplay_module::params::to_wire;
    use rplay_module::{DiffSide, FailureKind, Intent, Mode, Outcome, unknown};
    use serde_json::{Value, json};

    use crate::tests::Bench;

    fn args(bench: &Bench, text: &str, further: &Value) -> Value {
        let mut args =
            json!({ "src": to_wire(&bench.path("app.conf.j2"), Some(text.as_bytes())), "dest": "app.conf" });
        args.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        args
    }

    async fn run(bench: &Bench, text: &str, further: Value) -> Outcome {
        bench.run("template", &args(bench, text, &further), Mode::Apply).await
    }

    #[tokio::test]
    async fn a_text_is_foretold_written_and_then_left_alone() {
        let bench = Bench::new();
        let foretold = bench.run("template", &args(&bench, "port=1\n", &json!({})), Mode::Check).await;
        assert!(foretold.changed && !bench.path("app.conf").exists());
        let made = run(&bench, "port=1\n", json!({ "mode": "0600" })).await;
        assert!(made.changed);
        assert_eq!(bench.read("app.conf"), "port=1\n");
        assert_eq!(
            (made.result["mode"].clone(), made.result["dest"].clone()),
            (json!("0600"), json!("./app.conf"))
        );
        let header = made.diff[0].after_header.as_deref().unwrap();
        let home = bench.path(".ansible/tmp/ansible-local-").display().to_string();
        assert!(header.starts_with(&home) && header.ends_with("/app.conf.j2"), "{header}");
        assert!(!run(&bench, "port=1\n", json!({ "mode": "0600" })).await.changed);
        assert!(run(&bench, "port=2\n", json!({})).await.changed);
        assert_eq!(bench.read("app.conf"), "port=2\n");
    }

    #[tokio::test]
    async fn the_permissions_of_the_template_can_be_kept() {
        let bench = Bench::new();
        bench.write("app.conf.j2", "");
        std::fs::set_permissions(bench.path("app.conf.j2"), std::fs::Permissions::from_mode(0o751)).unwrap();
        assert_eq!(run(&bench, "x", json!({ "mode": "preserve" })).await.result["mode"], "0751");
    }

    #[tokio::test]
    async fn what_is_not_known_yet_may_change_the_file() {
        let bench = Bench::new();
        let text = format!("url={}\n", unknown::marker(unknown::Cause::Created, "elb app: dns_name"));
        let made = bench.run("template", &args(&bench, &text, &json!({})), Mode::Plan).await;
        assert_eq!(made.planned[0].action, Intent::Create);
        bench.write("app.conf", "url=old\n");
        let doubtful = bench.run("template", &args(&bench, &text, &json!({})), Mode::Plan).await;
        assert_eq!(doubtful.planned[0].action, Intent::MayChange);
        assert_eq!(doubtful.planned[0].fields[0].path, "checksum");
        assert!(matches!(&doubtful.diff[0].before, DiffSide::Text(text) if text == "url=old\n"));
    }

    #[tokio::test]
    async fn destroying_takes_away_what_rplay_made() {
        let bench = Bench::new();
        run(&bench, "x", json!({})).await;
        let gone = bench.run("template", &args(&bench, "x", &json!({})), Mode::Destroy).await;
        assert_eq!(gone.planned[0].action, Intent::Delete);
        assert!(!bench.path("app.conf").exists());
        bench.write("app.conf", "x");
        let kept = bench.run("template", &args(&bench, "x", &json!({})), Mode::Destroy).await;
        assert_eq!(kept.kept.len(), 1);
        assert!(bench.path("app.conf").exists());
    }

    #[tokio::test]
    async fn each_wrong_argument_is_named() {
        let bench = Bench::new();
        let failure = run(&bench, "x", json!({ "state": "present" })).await.failure.unwrap();
        assert!(failure.message.contains("'state' cannot be specified on a template"), "{}", failure.message);
        for (further, message) in [
            (json!({ "lstrip_blocks": "maybe" }), "The value 'maybe' is not a valid boolean"),
            (json!({ "backup": "maybe" }), "The value 'maybe' is not a valid boolean"),
        ] {
            let failure = run(&bench, "x", further).await.failure.unwrap();
            assert!(matches!(failure.kind, FailureKind::Arguments(_)));
            assert!(failure.message.contains(message), "{}", failure.message);
        }
        let failure = bench.run("template", &json!({}), Mode::Apply).await.failure.unwrap();
        assert!(failure.message.contains("missing required arguments: "), "{}", failure.message);
    }
}
