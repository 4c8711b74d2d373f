use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::child::Children;

// Envelopes made with ansible-vault of ansible-core 2.19.

/// `db_password: geheim\n`, with `swordfish`.
const FILE: &str = "\
$ANSIBLE_VAULT;1.1;AES256
34636465323366383832633361313434366363373133303935343330306366636538303339653637
3039396632373265386630323462663133343036383439610a353436353735323732356635626264
64343661333366376663653562616261373263366631353662313666626632323562306564393566
3838326331393636630a353538343337643034363465353536336137643737623933616632326136
37373561643035393130636634646362343732396230623436653438376463376363
";

/// The same, as `prod`.
const NAMED: &str = "\
$ANSIBLE_VAULT;1.2;AES256;prod
35633432373366306433323330306135656338356363376539383233623061326134313138666537
3839303261366331646332373864383233633336623735380a333661666461343464613164376633
32643433353930633364356162643334656434663466383230396138333763643536316336613630
3032353333646134300a316337626139303639356563633062616539616161326630323966623637
36636438396134646161386533373237616263643264326363326132396464313737
";

/// Nothing at all, with `swordfish`.
const EMPTY: &str = "\
$ANSIBLE_VAULT;1.1;AES256
38663062353831393433343765666266396137613936353034356232343335383534663030656134
3231656132653137386263643162303461313962346637340a323230333363343239363165326466
36363037626237323133373762376432316334363939363966623638636365346135323661623235
3463306666383063660a383333323264373637323463383065663434373333353863313835363734
3330
";

/// Every byte once, with `swordfish`.
const BYTES: &str = "\
$ANSIBLE_VAULT;1.1;AES256
66343163663031376334663463636637343865396664623139663231386632383238636633656166
3832336636633963333530396134663661303336653065660a303038313965306239323362616339
62383064383532653763383939336462636537333464613162343231643166626262343364343263
3961633537386464340a666465373539393761373035663636666265386361626463366661333239
63366231613332383062363833336339346136356262643831396537613433363433636365356336
37313634373637653439346135316638313538336262633834363330623361363564373030633232
39303362626533303939373666336331306331626639313631653131306165633336313434313265
34396336663731626532353363663661626633626331396661623535303937343330336663663535
30343338343764303665323630636431666239646361353436323537383162353561333163363963
65643034633364343662653265343732613037353061623338333937353739623635343563663332
37633132373533643062666537373238666261303966633134643731383164353132383936616436
62323730333962373330363131343231616537396564346438386230396431383331636130303232
34633430316432616566323061373439656663343563363135333031383239626162643738393464
32633163393363643562343038353733626262633663653133363534383033623236393166393336
35313839353633636536353934383635663536653837303836656662656163333237386331643731
62333838373930376431643231393631373766383431643162623566366564306131336233663336
35393333303231333732326538336533383630383962363464666633356663386661
";

/// `the same salt gives the same envelope`, with `swordfish` and [`SALT`].
const SALTED: &str = "\
$ANSIBLE_VAULT;1.1;AES256
33303331333233333334333533363337333833393631363236333634363536363330333133323333
3334333533363337333833393631363236333634363536360a366131303661306330356365343161
61656262313836303065663636363130343631313166376361386339343036366134356635643062
3761336237383333360a646663393232333636313737626662653462383166373138623532376433
61326565376263313338343630666634666339353961656535396635343730353730353162643961
3733623566323664303838303632616339646639663038366538
";

/// A whole block, as `prod` with `hunter2` and [`SALT`].
const SALTED_BLOCK: &str = "\
$ANSIBLE_VAULT;1.2;AES256;prod
33303331333233333334333533363337333833393631363236333634363536363330333133323333
3334333533363337333833393631363236333634363536360a633563396139636435616632356263
33633835656262366366623039633339643761306130383335303430663362396539376264343430
3733353363393031310a323830643038616261646235313233353465396136366139643665396166
66326539643464636139373536363735333736666239393037623938313366333239
";

/// `k€y with spaces`, as `dev` with `hunter2`; a string as it stands in a playbook.
const INLINE: &str = "
          $ANSIBLE_VAULT;1.2;AES256;dev
          66393564306131633963393462353665306137373935323865356263626163626364386566343661
          3136383663393639613530333033363238343231313163330a393833326635313562613364363562
          38613065393961396165306334306137643364343062633539396430623965393536383235316264
          3765383237643436640a333939333439353630376564393930326230663636326333313962623263
          64306561373363616239386233333032646535633164306230326133666164386463
";

const SALT: [u8; 32] = *b"0123456789abcdef0123456789abcdef";

fn vaults(secrets: &[(&str, &str)]) -> Vaults {
    let secrets =
        secrets.iter().map(|(id, secret)| ((*id).to_owned(), Secret::new(secret.as_bytes().to_owned())));
    Vaults::new(secrets.collect(), false)
}

fn swordfish() -> Vaults {
    vaults(&[("default", "swordfish")])
}

fn open(vaults: &Vaults, envelope: &str) -> Result<String, Reason> {
    let plain = vaults.open(envelope.as_bytes(), "x").map_err(|error| error.reason)?;
    Ok(String::from_utf8(plain).unwrap())
}

#[test]
fn what_ansible_sealed_is_opened() {
    assert_eq!(open(&swordfish(), FILE).unwrap(), "db_password: geheim\n");
    assert_eq!(open(&swordfish(), EMPTY).unwrap(), "");
    assert_eq!(swordfish().open(BYTES.as_bytes(), "x").unwrap(), (0..=255).collect::<Vec<u8>>());
}

#[test]
fn what_is_sealed_is_byte_for_byte_what_ansible_seals() {
    let plain = "the same salt gives the same envelope";
    assert_eq!(swordfish().seal(plain.as_bytes(), None, &SALT).unwrap(), SALTED);
    let named = vaults(&[("default", "swordfish"), ("prod", "hunter2")]);
    assert_eq!(named.seal(b"exactly 16 bytes", Some("prod"), &SALT).unwrap(), SALTED_BLOCK);
}

#[test]
fn a_string_is_opened_with_its_indentation() {
    assert_eq!(open(&vaults(&[("dev", "hunter2")]), INLINE).unwrap(), "k€y with spaces");
    let windows = FILE.replace('\n', "\r\n");
    assert_eq!(open(&swordfish(), &windows).unwrap(), "db_password: geheim\n");
}

#[test]
fn every_password_is_tried_whatever_its_id() {
    let plain = "db_password: geheim\n";
    assert_eq!(open(&vaults(&[("a", "wrong"), ("b", "swordfish")]), NAMED).unwrap(), plain);
    assert_eq!(open(&vaults(&[("prod", "wrong"), ("prod", "swordfish")]), NAMED).unwrap(), plain);
    assert_eq!(open(&vaults(&[("b", "swordfish")]), FILE).unwrap(), plain);
}

#[test]
fn with_vault_id_match_only_the_envelopes_own_id_is_tried() {
    let secret = || Secret::new(b"swordfish".to_vec());
    let strict = |id: &str| Vaults::new(vec![(id.to_owned(), secret())], true);
    assert!(open(&strict("prod"), NAMED).is_ok());
    assert_eq!(open(&strict("dev"), NAMED), Err(Reason::NoneOpens));
    assert!(open(&strict("default"), FILE).is_ok());
    assert_eq!(open(&strict("dev"), FILE), Err(Reason::NoneOpens));
}

#[test]
fn a_wrong_password_is_said_in_ansibles_words() {
    let error = vaults(&[("default", "wrong")]).open(FILE.as_bytes(), "vars/secret.yml").unwrap_err();
    assert_eq!(error.to_string(), "Decryption failed (no vault secrets were found that could decrypt).");
    assert_eq!(error.name, "vars/secret.yml");
    let error = Vaults::default().open(FILE.as_bytes(), "x").unwrap_err();
    assert_eq!(error.to_string(), "Attempting to decrypt but no vault secrets found.");
    let fault = error.fault();
    assert!(fault.help.as_ref().unwrap().contains("--vault-password-file"));
    assert_eq!(fault.to_string(), "x:1:1: Attempting to decrypt but no vault secrets found.");
    assert_eq!(fault.kind.exit_code(), 1);
}

#[test]
fn a_changed_digit_is_refused() {
    let at = FILE.len() - 2;
    let changed =
        format!("{}{}{}", &FILE[..at], if &FILE[at..=at] == "3" { '2' } else { '3' }, &FILE[at + 1..]);
    assert_eq!(open(&swordfish(), &changed), Err(Reason::NoneOpens));
}

#[test]
fn a_damaged_envelope_says_what_is_wrong_with_it() {
    let said = |envelope: &str| open(&swordfish(), envelope).unwrap_err().to_string();
    assert_eq!(said("db_password: geheim\n"), "Input is not vault encrypted data.");
    assert!(said("$ANSIBLE_VAULT\n").starts_with("Vault envelope format error"));
    assert_eq!(said("$ANSIBLE_VAULT;1.1;AES\n00\n"), "Cipher 'AES' could not be found.");
    let digits = "Vault format unhexlify error: Non-hexadecimal digit found";
    assert_eq!(said("$ANSIBLE_VAULT;1.1;AES256\nzz\n"), digits);
    assert!(said("$ANSIBLE_VAULT;1.1;AES256\n3030\n").starts_with("Vault vaulttext format error"));
    assert!(said(&FILE[..100]).starts_with("Vault vaulttext format error"));
}

#[test]
fn a_vault_is_known_by_its_first_bytes() {
    assert!(is_vault(FILE.as_bytes()));
    assert!(!is_vault(b" $ANSIBLE_VAULT;1.1;AES256\n"));
    assert!(!is_vault("$ANSIBLE_VAULT;1.1;AES256\n€".as_bytes()));
}

#[test]
fn what_cannot_be_sealed_says_why() {
    let said =
        |vaults: &Vaults, plain: &str, id| vaults.seal(plain.as_bytes(), id, &SALT).unwrap_err().to_string();
    assert_eq!(said(&swordfish(), FILE, None), "input is already encrypted");
    assert_eq!(said(&Vaults::default(), "x", None), "A vault password must be specified to encrypt data");
    let unknown = "Did not find a match for --encrypt-vault-id=prod in the known vault-ids ['default']";
    assert_eq!(said(&swordfish(), "x", Some("prod")), unknown);
}

#[test]
fn no_secret_is_in_a_debug_output() {
    let vaults = swordfish();
    open(&vaults, FILE).unwrap();
    let shown = format!("{vaults:?}");
    assert!(
        !shown.contains("swordfish") && !shown.contains("geheim") && !shown.contains("115, 119"),
        "{shown}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn what_is_sealed_is_opened_again(
        plain in proptest::collection::vec(any::<u8>(), 0..200),
        password in "[^\r\n]{1,20}",
        id in "[a-z]{1,8}",
        salt in any::<[u8; 32]>(),
    ) {
        let vaults = vaults(&[(&id, &password)]);
        let envelope = vaults.seal(&plain, None, &salt).unwrap();
        prop_assert!(is_vault(envelope.as_bytes()) && envelope.lines().all(|line| line.len() <= 80));
        prop_assert_eq!(vaults.open(envelope.as_bytes(), "x").unwrap(), plain);
    }

    #[test]
    fn no_envelope_makes_it_panic(tail in "[;0-9a-fA-F\n .A-Z]{0,200}", digits in "[0-9a-f\n]{0,300}") {
        let _ = swordfish().open(format!("$ANSIBLE_VAULT{tail}").as_bytes(), "x");
        let _ = swordfish().open(format!("$ANSIBLE_VAULT;1.1;AES256\n{digits}").as_bytes(), "x");
    }
}

fn password(path: &Path, id: &str, earlier: &Vaults) -> Result<Vec<u8>, String> {
    let env = [("PATH".to_owned(), std::env::var("PATH").unwrap_or_default())];
    let passwords = Passwords { children: &Children::default(), env: &env, earlier };
    let read = passwords.read(path, Some(id)).map(|secret| secret.expose().clone());
    read.map_err(|refused| refused.error.to_string())
}

fn file(folder: &Path, name: &str, content: &str, mode: u32) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn a_password_file_holds_the_password_and_white_space() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "pw", " \n sword fish \r\n\n", 0o600);
    assert_eq!(password(&path, "default", &Vaults::default()).unwrap(), b"sword fish");
    let path = file(folder.path(), "empty", "\n", 0o600);
    let said = format!("Invalid vault password was provided from file ({})", path.display());
    assert_eq!(password(&path, "default", &Vaults::default()), Err(said));
}

#[test]
fn a_password_file_may_be_sealed_with_an_earlier_password() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "pw", &swordfish().seal(b"hunter2\n", None, &SALT).unwrap(), 0o600);
    assert_eq!(password(&path, "default", &swordfish()).unwrap(), b"hunter2");
    let said = "Attempting to decrypt but no vault secrets found.";
    assert_eq!(password(&path, "default", &Vaults::default()).unwrap_err(), said);
}

#[test]
fn a_missing_password_file_and_a_folder_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no");
    let said = format!("The vault password file {} was not found", missing.display());
    assert_eq!(password(&missing, "default", &Vaults::default()), Err(said));
    let said =
        format!("The vault password file provided '{}' can not be a directory", folder.path().display());
    assert_eq!(password(folder.path(), "default", &Vaults::default()), Err(said));
}

#[test]
fn a_script_prints_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "pw.sh", "#!/bin/sh\necho \" $#-swordfish \"\n", 0o700);
    assert_eq!(password(&path, "default", &Vaults::default()).unwrap(), b" 0-swordfish ");
    let path = file(folder.path(), "fails", "#!/bin/sh\nexit 3\n", 0o700);
    let said = format!("Vault password script {} returned non-zero (3): None", path.display());
    assert_eq!(password(&path, "default", &Vaults::default()), Err(said));
    let path = file(folder.path(), "silent", "#!/bin/sh\n", 0o700);
    let said = format!("Invalid vault password was provided from script ({})", path.display());
    assert_eq!(password(&path, "default", &Vaults::default()), Err(said));
}

#[test]
fn a_client_script_is_told_the_id() {
    let folder = tempfile::tempdir().unwrap();
    let script = "#!/bin/sh\n[ $2 = prod ] && echo for $1 $2 || { echo unknown $2 >&2; exit 2; }\n";
    let path = file(folder.path(), "keys-client.sh", script, 0o700);
    assert_eq!(password(&path, "prod", &Vaults::default()).unwrap(), b"for --vault-id prod");
    let said = password(&path, "dev", &Vaults::default()).unwrap_err();
    let end = r"did not find a secret for vault-id=dev: b'unknown dev\n'";
    assert!(said.starts_with("Vault password client script ") && said.ends_with(end), "{said}");
}

#[test]
fn a_password_that_is_executable_by_mistake_is_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(folder.path(), "pw", "swordfish\n", 0o700);
    let said = password(&path, "default", &Vaults::default()).unwrap_err();
    assert!(
        said.contains("[Errno 8] Exec format error") && said.contains("remove the executable bit"),
        "{said}"
    );
    assert!(!said.contains("swordfish"));
}
