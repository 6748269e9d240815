"""The add-on's files by the Supervisor's rules, see tests/addon. Unlike it, unknown keys are errors here, not dropped.

The rules are those of the developers' documents ("App configuration"); each is tried with a file that breaks it.
"""
import copy
import json
import pathlib
import re
import struct
import sys

import voluptuous as vol
import yaml

ADDON = pathlib.Path("deploy/home-assistant-addon")
BLUEPRINT = pathlib.Path("deploy/blueprints/automation/moodring/light_follows_expression.yaml")
SCHEMA = pathlib.Path("deploy/schema/state.schema.json")
LANGUAGES = ["de", "en", "es", "fr", "it"]
ELEMENT = re.compile(
    r"^(?:bool|email|url|port|device(?:\(subsystem=[a-z0-9]+\))?|match\(.*\)|list\(.+\)"
    r"|(?:str|password|int)(?:\((?:\d+)?,(?:\d+)?\))?|float(?:\((?:[\d.]+)?,(?:[\d.]+)?\))?)\??$"
)
SUBSYSTEMS = {"tty", "usb", "input", "block", "sound", "video4linux", "media", "gpio", "gpiomem", "graphics", "drm", "hidraw"}
flag = vol.Any(True, False)
port = vol.All(int, vol.Range(1, 65535))
RULES = vol.Schema(
    {
        vol.Required("name"): vol.All(str, vol.Length(1, 60)),
        vol.Required("version"): vol.Match(r"^\d+\.\d+\.\d+$"),
        vol.Required("slug"): vol.Match(r"^[-_.A-Za-z0-9]+$"),
        vol.Required("description"): vol.All(str, vol.Length(10, 120)),
        vol.Required("arch"): vol.All([vol.In(["aarch64", "amd64"])], vol.Unique(), vol.Length(1)),
        "url": vol.Url(),
        "stage": vol.In(["stable", "experimental", "deprecated"]),
        "startup": vol.In(["initialize", "system", "services", "application", "once"]),
        "boot": vol.In(["auto", "manual", "manual_only"]),
        "services": [vol.Match(r"^(mqtt|mysql):(provide|want|need)$")],
        "video": flag,
        "udev": flag,
        "usb": flag,
        "gpio": flag,
        "tmpfs": flag,
        "init": flag,
        "ingress": flag,
        "ingress_port": port,
        "ingress_stream": flag,
        "panel_icon": vol.Match(r"^mdi:[a-z0-9-]+$"),
        "panel_title": str,
        "panel_admin": flag,
        "watchdog": vol.Match(r"^(?:https?|tcp)://\[HOST\]:(\[PORT:\d+\]|\d+).*$"),
        "apparmor": flag,
        "backup": vol.In(["hot", "cold"]),
        "timeout": vol.All(int, vol.Range(10, 300)),
        "options": dict,
        "schema": {str: vol.All(str, vol.Match(ELEMENT))},
    },
)
TRANSLATION = vol.Schema(
    {vol.Required("configuration"): {str: {vol.Required("name"): vol.All(str, vol.Length(1, 40)), vol.Required("description"): str}}}
)


def check_value(kind, value):
    """An option's default is a value that its type allows."""
    kind = kind.removesuffix("?")
    name, _, rest = kind.partition("(")
    inside = rest.removesuffix(")")
    if name == "bool":
        fine = isinstance(value, bool)
    elif name in ("int", "float"):
        low, high = (inside.split(",") + ["", ""])[:2]
        fine = isinstance(value, (int, float)) and not isinstance(value, bool)
        fine = fine and (not low or value >= float(low)) and (not high or value <= float(high))
    elif name == "list":
        fine = value in inside.split("|")
    elif name == "match":
        fine = isinstance(value, str) and re.match(inside, value)
    else:
        fine = isinstance(value, str)
    if not fine:
        raise vol.Invalid(f"{value!r} is no {kind}")


def check(config, translations, files):
    """Raises vol.Invalid for what the Supervisor or a user would stumble over."""
    RULES(config)
    schema, options = config["schema"], config["options"]
    for key, value in options.items():
        if key not in schema:
            raise vol.Invalid(f"the option {key} has no schema")
        check_value(schema[key], value)
        if schema[key].endswith("?"):
            raise vol.Invalid(f"{key} has a default, so it is not optional")
    for key, kind in schema.items():
        if not kind.endswith("?") and key not in options:
            raise vol.Invalid(f"{key} must be given, and has no default: the add-on cannot start at once")
        filtered = re.match(r"device\(subsystem=(\w+)\)", kind)
        if filtered and filtered[1] not in SUBSYSTEMS:
            raise vol.Invalid(f"{key}: there is no subsystem {filtered[1]}")
    if config.get("ingress") and f"0.0.0.0:{config['ingress_port']}\"" not in files["run.sh"]:
        raise vol.Invalid("the page listens at another port than ingress_port")
    if f"[PORT:{config['ingress_port']}]" not in config["watchdog"]:
        raise vol.Invalid("the watchdog looks at another port than ingress_port")
    if sorted(translations) != LANGUAGES:
        raise vol.Invalid(f"languages {sorted(translations)}")
    for language, texts in translations.items():
        TRANSLATION(texts)
        if set(texts["configuration"]) != set(schema):
            raise vol.Invalid(f"{language} names {set(texts['configuration']) ^ set(schema)} or lacks it")
    names = re.findall(r"^profile (\S+) ", files["apparmor.txt"], re.M)
    if names != [config["slug"]]:
        raise vol.Invalid("the AppArmor profile is called by the slug")
    if 'line("ingress"; ["172.30.32.2"])' not in files["run.sh"]:
        raise vol.Invalid("the ingress's port must answer the Supervisor alone")
    if f'io.hass.version="{config["version"]}"' not in files["Dockerfile"]:
        raise vol.Invalid("the Dockerfile's label has another version")
    width, height = struct.unpack(">II", files["icon.png"][16:24])
    if files["icon.png"][1:4] != b"PNG" or width != height:
        raise vol.Invalid("icon.png is no square PNG")


def broken(config, translations, files):
    """Files that break one rule each."""

    def change(*path, value=None, where=0):
        all_of = [copy.deepcopy(config), copy.deepcopy(translations), dict(files)]
        target = all_of[where]
        for key in path[:-1]:
            target = target[key]
        if value is None:
            del target[path[-1]]
        else:
            target[path[-1]] = value
        return path, all_of

    yield change("slug")
    yield change("slug", value="mood ring")
    yield change("version", value="latest")
    yield change("arch", value=["armv7"])
    yield change("services", value=["mqtt:must"])
    yield change("videos", value=True)
    yield change("ingress_port", value=8080)
    yield change("ingress_port", value=70000)
    yield change("watchdog", value="http://[HOST]:[PORT:8098]/healthz")
    yield change("boot", value="sometimes")
    yield change("watchdog", value="http://localhost:8099/healthz")
    yield change("schema", "place", value="list()")
    yield change("schema", "camera", value="device(subsystem=video)?")
    yield change("schema", "sensitivity", value="integer(0,100)")
    yield change("schema", "more", value="str")
    yield change("options", "sensitivity", value=101)
    yield change("options", "place", value="workplace")
    yield change("options", "preview", value="no")
    yield change("options", "name", value="my hall")
    yield change("options", "more", value=1)
    yield change("options", "camera", value="/dev/video0")
    yield change("de", where=1)
    yield change("fr", "configuration", "place", where=1)
    yield change("it", "configuration", "places", value={"name": "a", "description": "b"}, where=1)
    yield change("es", "configuration", "place", "name", where=1)
    yield change("apparmor.txt", value=files["apparmor.txt"].replace("profile moodring", "profile mood"), where=2)
    yield change("run.sh", value=files["run.sh"].replace("172.30.32.2", "0.0.0.0"), where=2)
    yield change("icon.png", value=b"GIF89a" + bytes(30), where=2)


def check_docs(config, files):
    """Each option is explained, and each file that the image copies is there."""
    for key in config["schema"]:
        if f"`{key}`" not in files["DOCS.md"]:
            sys.exit(f"DOCS.md does not tell of {key}")
    for line in re.findall(r"^COPY (.*) \S+$", files["Dockerfile"], re.M):
        if line not in files and not line.endswith(".deb"):
            sys.exit(f"the Dockerfile copies {line}, which is not there")
    if not all(name in files["assemble"] for name in files if name not in ("assemble",)):
        sys.exit("assemble leaves a file out: " + str([name for name in files if name not in files["assemble"]]))


class Input(str):
    """A blueprint's `!input NAME`."""


def check_blueprint(text):
    """What its form offers is what it uses; it fires on every expression, and on nothing that is no news."""
    loader = type("Loader", (yaml.SafeLoader,), {})
    loader.add_constructor("!input", lambda loader, node: Input(loader.construct_scalar(node)))
    blueprint = yaml.load(text, loader)
    offered = {}
    for name, field in blueprint["blueprint"]["input"].items():
        offered |= field["input"] if "input" in field else {name: field}
    for name, field in offered.items():
        if not field.get("name") or len(field["selector"]) != 1:
            raise vol.Invalid(f"the field {name} has no name or no selector")

    def used(part):
        if isinstance(part, Input):
            yield str(part)
        elif isinstance(part, dict):
            for value in part.values():
                yield from used(value)
        elif isinstance(part, list):
            for value in part:
                yield from used(value)

    names = set(used({key: part for key, part in blueprint.items() if key != "blueprint"}))
    if names != set(offered):
        raise vol.Invalid(f"offered or used only: {names ^ set(offered)}")
    moods = set(json.loads(SCHEMA.read_text())["$defs"]["expression"]["enum"])
    for trigger in blueprint["triggers"]:
        if set(trigger["to"]) != moods | {"nobody"}:
            raise vol.Invalid(f"it fires on {trigger['to']}")
        if set(trigger["not_from"]) != {"unavailable", "unknown"}:
            raise vol.Invalid("coming back is no news")
    if set(blueprint["variables"]["colours"]) != moods:
        raise vol.Invalid("each expression has a colour")


def main():
    blueprint = BLUEPRINT.read_text()
    check_blueprint(blueprint)
    for part, other in (
        ("!input brightness", "80"),
        ("!input transition", "!input seconds"),
        ("    not_from: [unavailable, unknown]\n", "    not_from: [unavailable]\n"),
        ("to: [happy, ", "to: [joy, "),
        ("    disgust: !input disgust\n", ""),
        ("          name: Sad\n", ""),
    ):
        if part not in blueprint:
            sys.exit(f"the blueprint has no {part!r} any more")
        try:
            check_blueprint(blueprint.replace(part, other))
        except (vol.Invalid, KeyError):
            continue
        sys.exit(f"a blueprint without {part!r} is found fine")
    config = yaml.safe_load((ADDON / "config.yaml").read_text())
    translations = {path.stem: yaml.safe_load(path.read_text()) for path in (ADDON / "translations").glob("*.yaml")}
    files = {path.name: path.read_bytes() for path in ADDON.iterdir() if path.is_file()}
    files = {name: data if name.endswith(".png") else data.decode() for name, data in files.items()}
    check(config, translations, files)
    check_docs(config, files)
    count = 0
    for path, case in broken(config, translations, files):
        try:
            check(*case)
        except vol.Invalid:
            count += 1
        else:
            sys.exit(f"the rules find nothing wrong with a broken {path}: {json.dumps(case[0], default=str)[:200]}")
    print(f"   fine; each of {count} broken ones is refused")


main()
