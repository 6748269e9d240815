#!/usr/bin/env bash
# The add-on's start: Home Assistant's options and its broker become moodring's settings; then moodring takes this process.
set -euo pipefail

options=/data/options.json
settings=/run/moodring/moodring.toml
password=/run/moodring/mqtt-password

fail() { echo "moodring: $*" >&2; exit 1; }

supervisor() { # path: the `data` of its answer
  local answer
  answer=$(curl --silent --show-error --max-time 20 --retry 5 --retry-connrefused \
    --header "Authorization: Bearer ${SUPERVISOR_TOKEN:-}" "http://supervisor$1") ||
    fail "the Supervisor does not answer at $1"
  jq --exit-status '.result == "ok"' <<<"$answer" >/dev/null 2>&1 ||
    fail "the Supervisor refuses $1: $(jq --raw-output '.message // "no reason given"' <<<"$answer" 2>/dev/null || echo "$answer")"
  jq '.data' <<<"$answer"
}

# Users, groups and folders: the daemon is not root. The devices' groups have this host's numbers, not this image's.
install -d -m 750 -o moodring -g moodring /run/moodring /data/state
groups=$(stat --format %g /dev/video* /dev/media* 2>/dev/null | sort -un | paste -sd, || true)

broker=$(supervisor /services/mqtt) || exit 1
[ "$(jq --raw-output '.host // ""' <<<"$broker")" ] || fail "there is no MQTT broker: install the add-on Mosquitto broker, start it, and start this one again"
install -m 640 -o root -g moodring /dev/null "$password"
jq --raw-output '.password // ""' <<<"$broker" >"$password"

# JSON's strings are TOML's. What is not set keeps moodring's own default.
umask 027
jq --raw-output --argjson broker "$broker" --arg password "$password" '
  def line(key; value): if value == null then empty else "\(key) = \(value | tojson)" end;
  line("place"; .place),
  "[device]", line("id"; .name),
  "[notice]", line("acknowledged"; .people_are_told),
  "[camera]", line("source"; .source // .camera), line("width"; .width), line("height"; .height),
    line("rate"; if .rate then .rate * 1.0 else null end),
  "[mood]", line("who"; .who), line("sensitivity"; .sensitivity),
  "[vision]", line("labels"; .labels),
  "[display]", line("kind"; "none"),
  "[satellite]", line("port"; "off"),
  "[preview]", line("allowed"; .preview),
  "[store]", line("path"; "/data/state/moodring.db"), line("days"; .history_days),
  "[web]", line("listen"; "0.0.0.0:8099"), line("ingress"; ["172.30.32.2"]),
  "[mqtt]",
    line("url"; "\(if $broker.ssl then "mqtts" else "mqtt" end)://\($broker.host):\($broker.port)"),
    (if ($broker.username // "") == "" then empty else line("user"; $broker.username), line("password_file"; $password) end),
  "[log]", line("level"; .log_level)
' "$options" >"$settings" || fail "$options cannot be read"
chgrp moodring "$settings"

as_moodring() {
  local others=(--clear-groups)
  [ -z "$groups" ] || others=(--groups "$groups")
  exec setpriv --reuid moodring --regid moodring "${others[@]}" --no-new-privs "$@"
}
# Nothing that runs from here on needs the key to the Supervisor.
unset SUPERVISOR_TOKEN
export STATE_DIRECTORY=/data/state HOME=/data/state
(as_moodring moodring config --check "$settings" >/dev/null) || fail "these options do not fit together"
as_moodring moodring run --config "$settings"
