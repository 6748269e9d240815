//! First steps over HTTP: what is offered, what is written, what is refused; and the printed notice.

use moodring_base::config::DisplayKind;
use serde_json::json;

use super::*;

fn answers() -> Value {
    json!({
        "place": "home", "acknowledged": true, "responsible": "Ada & <Co>", "way_out": "", "device": "hall",
        "camera": "synthetic", "display": "none",
        "broker": { "enabled": false, "url": "", "user": "", "password": "" },
    })
}

/// A page whose settings lie in this file.
fn page(folder: &std::path::Path) -> (TestPage, std::path::PathBuf) {
    let path = folder.join("m.toml");
    std::fs::write(&path, "# mine\n[camera]\nsource = \"auto\"\n").unwrap();
    let mut page = TestPage::new(|_| {});
    page.file = Some(path.clone());
    if let Some(web) = page.web.take() {
        web.stop();
    }
    let web = page.spawn(|_| {}).unwrap().unwrap();
    page.at = web.address();
    page.web = Some(web);
    (page, path)
}

fn post(page: &TestPage, path: &str, body: &Value) -> Answer {
    page.ask(&format!("POST {path}"), "", body.to_string().as_bytes())
}

#[test]
fn the_first_steps_write_the_settings_and_keep_the_old_ones() {
    let folder = tempfile::tempdir().unwrap();
    let (page, path) = page(folder.path());
    assert_eq!(page.get("/api/v1/door").json()["setup"], true);
    assert_eq!(
        page.get("/api/v1/door").json()["others"],
        serde_json::json!([])
    );
    let now = page.get("/api/v1/setup").json();
    assert_eq!(
        (&now["needed"], &now["file"]),
        (&true.into(), &path.to_str().unwrap().into())
    );
    assert!(
        now["cameras"].as_array().unwrap().len() >= 4
            && now["displays"].as_array().unwrap().len() >= 8
    );
    let done = post(&page, "/api/v1/setup", &answers()).json();
    assert_eq!(done["saved"], true, "{done}");
    let before = done["before"].as_str().unwrap();
    assert!(std::fs::read_to_string(before).unwrap().contains("auto"));
    let text = std::fs::read_to_string(&path).unwrap();
    let settings: Settings = toml::from_str(&text).unwrap();
    assert!(
        text.starts_with("# mine") || text.contains("\n# mine"),
        "{text}"
    );
    assert!(settings.notice.acknowledged && settings.camera.source == "synthetic");
}

#[test]
fn a_screen_can_be_chosen_and_is_offered_where_it_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let (page, path) = page(folder.path());
    let mut wanted = answers();
    wanted["display"] = "screen".into();
    assert_eq!(post(&page, "/api/v1/setup", &wanted).json()["saved"], true);
    let settings: Settings = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(settings.display.kind, DisplayKind::Screen);
    let page = TestPage::new(|settings| settings.display.kind = DisplayKind::Screen);
    let now = page.get("/api/v1/setup").json();
    assert_eq!(now["display"], "screen");
    let offered = now["displays"].as_array().unwrap();
    assert!(
        offered.iter().any(|choice| choice["name"] == "screen"),
        "{now}"
    );
    // The screen that is in use is not taken from the daemon.
    let tried = post(&page, "/api/v1/setup/try/display", &wanted).json();
    assert_eq!(tried["ok"], true, "{tried}");
}

#[test]
fn what_the_law_or_the_list_forbids_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (page, path) = page(folder.path());
    let before = std::fs::read_to_string(&path).unwrap();
    for (key, value, reason) in [
        ("place", "workplace", "Art. 5"),
        ("place", "education", "Art. 5"),
        ("camera", "cmd:reboot", "list"),
        ("display", "hologram", "list"),
    ] {
        let mut wrong = answers();
        wrong[key] = value.into();
        let refused = post(&page, "/api/v1/setup", &wrong);
        assert_eq!(refused.status, 422, "{value}: {refused:?}");
        assert!(refused.text().contains(reason), "{}", refused.text());
    }
    for body in ["", "7", "{\"place\":\"moon\"}", "{\"more\":1}"] {
        assert_eq!(
            page.ask("POST /api/v1/setup", "", body.as_bytes()).status,
            400,
            "{body}"
        );
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
}

#[test]
fn parts_are_tried_and_strangers_commands_are_not() {
    let page = TestPage::new(|_| {});
    let attempt =
        |part: &str, body: &Value| post(&page, &format!("/api/v1/setup/try/{part}"), body).json();
    assert_eq!(attempt("camera", &answers())["ok"], true);
    let mut evil = answers();
    evil["camera"] = "cmd:touch /tmp/owned".into();
    let refused = attempt("camera", &evil);
    assert_eq!(refused["ok"], false);
    // The page shows it in the reader's language.
    assert_eq!(refused["says_word"]["key"], "trial.nocamera");
    assert_eq!(refused["says"], "there is no camera of that name");
    assert_eq!(attempt("display", &answers())["ok"], true);
    assert_eq!(attempt("broker", &answers())["ok"], true);
    assert!(attempt("door", &answers())["error"].is_string());
    // The camera that runs is not opened again.
    page.controls.send_modify(|c| c.camera = "rpicam".into());
    page.snapshots
        .send_modify(|s| (s.camera, s.frame_px) = (CameraState::Running, (640, 480)));
    let mut own = answers();
    own["camera"] = "rpicam".into();
    let result = attempt("camera", &own);
    assert!(
        result["says"].as_str().unwrap().contains("640x480"),
        "{result}"
    );
}

#[test]
fn the_notice_is_open_to_everybody_and_names_who_is_responsible() {
    let hash = hash_password("correct horse").unwrap();
    let page = TestPage::new(|s| {
        s.web.password = hash;
        s.notice.responsible = "Ada & <Co>".into();
    });
    let sheet = page.get("/notice");
    let text = sheet.text();
    assert_eq!(sheet.status, 200);
    assert!(
        text.contains("Responsible: Ada &amp; &lt;Co&gt;") && !text.contains("{{"),
        "{text}"
    );
    assert!(
        text.contains("<svg role=\"img\"") && !text.contains("<?xml") && !text.contains("style=")
    );
    assert!(text.contains("No picture is stored or sent."), "{text}");
    let shown = TestPage::new(|s| s.preview.allowed = true)
        .get("/notice")
        .text();
    assert!(
        !shown.contains("stored or sent") && shown.contains("red lamp"),
        "{shown}"
    );
    assert_eq!(page.get("/setup").header("location"), "login");
    assert_eq!(page.get("/api/v1/setup").status, 401);
    assert_eq!(post(&page, "/api/v1/setup", &answers()).status, 401);
    assert_eq!(
        post(&page, "/api/v1/setup/try/camera", &answers()).status,
        401
    );
}
