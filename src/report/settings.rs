use crate::paint::Palette;

/// What is printed on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// Ansible's `default` callback.
    #[default]
    Default,
    /// Ansible's `minimal` callback.
    Minimal,
    /// Ansible's `oneline` callback.
    Oneline,
    /// The document of Ansible's `json` callback, printed with the recap.
    AnsibleJson,
    /// One event a line, as the journal has them.
    Events,
}

/// How results are written into the lines of `default` and `minimal`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ResultFormat {
    #[default]
    Json,
    Yaml,
}

/// Everything that a [`crate::Reporter`] is told about its surroundings: it reads no environment itself.
///
/// The names are those of Ansible's configuration where it has the same setting.
#[derive(Clone, Debug)]
pub struct Settings {
    pub output: Output,
    /// How many `-v` were given.
    pub verbosity: u8,
    /// Colours on stdout.
    pub color: bool,
    /// Colours on stderr.
    pub color_stderr: bool,
    /// Which colour a line has.
    pub palette: Palette,
    /// The width of the terminal on stdout; `None` where stdout is none.
    pub width: Option<u16>,
    /// How running tasks are shown on stderr.
    pub live: Live,
    pub result_format: ResultFormat,
    /// Texts such as `stdout` stand below a result as they are, as `ansible.posix.debug` has it.
    pub texts_apart: bool,
    /// `None` is what Ansible makes of an unset `callback_format_pretty`: pretty for YAML only.
    pub pretty_results: Option<bool>,
    pub display_skipped_hosts: bool,
    pub display_ok_hosts: bool,
    pub display_failed_stderr: bool,
    /// Print what `set_stats` has gathered, after the recap.
    pub show_custom_stats: bool,
    pub show_per_host_start: bool,
    pub check_mode_markers: bool,
    pub show_task_path_on_failure: bool,
    pub deprecation_warnings: bool,
    /// The lines of context in a `--diff`.
    pub diff_context: usize,
    /// The indentation of [`Output::AnsibleJson`]; 0 for one line.
    pub json_indent: usize,
    /// Gives the time in UTC as `2026-01-31T23:59:59.000000Z`, for the durations in [`Output::AnsibleJson`]; without it they
    /// are left out.
    pub now: Option<fn() -> String>,
}

/// How running tasks are shown on stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Live {
    /// A line per change, from one `-v` on.
    #[default]
    Lines,
    /// Lines that are redrawn in place, on a terminal.
    Terminal {
        width: u16,
        height: u16,
        /// Whether a thread keeps the spinners turning between two events.
        turning: bool,
    },
}

impl Default for Settings {
    /// Returns Ansible's defaults, for a stdout and a stderr that are no terminals.
    fn default() -> Self {
        Self {
            output: Output::Default,
            verbosity: 0,
            color: false,
            color_stderr: false,
            palette: Palette::default(),
            width: None,
            live: Live::Lines,
            result_format: ResultFormat::Json,
            texts_apart: false,
            pretty_results: None,
            display_skipped_hosts: true,
            display_ok_hosts: true,
            display_failed_stderr: false,
            show_per_host_start: false,
            show_custom_stats: false,
            check_mode_markers: false,
            show_task_path_on_failure: false,
            deprecation_warnings: true,
            diff_context: 3,
            json_indent: 4,
            now: None,
        }
    }
}
