"""The blueprint in Home Assistant itself: when it fires, and what it asks of the light. See tests/blueprint."""
import asyncio
import pathlib
import shutil
import sys
import tempfile

from homeassistant import bootstrap, config_entries, loader
from homeassistant.core import HomeAssistant

SENSOR = "sensor.moodring_hall_mood"
SAD, HAPPY = ("turn_on", [80, 120, 255]), ("turn_on", [255, 200, 60])
# The sensor's state and attributes, and what the light is asked for then.
STEPS = [
    ("unavailable", {}, None),
    ("happy", {}, None),  # coming back is no news
    ("happy", {"confidence": 0.9}, None),  # nor is an attribute
    ("sad", {}, SAD),
    ("uncertain", {}, None),
    ("sad", {}, SAD),
    ("unknown", {}, None),  # the camera is off
    ("angry", {}, None),
    ("happy", {}, HAPPY),
    ("nobody", {}, ("turn_off", None)),
]


async def start(folder, inputs):
    """A Home Assistant with nothing but the automation, and a light that only writes down what it is asked for."""
    use = {"path": "moodring/light_follows_expression.yaml", "input": inputs}
    config = {"homeassistant": {}, "automation": [{"id": "a", "alias": "follows", "use_blueprint": use}]}
    hass = HomeAssistant(str(folder))
    loader.async_setup(hass)
    hass.config_entries = config_entries.ConfigEntries(hass, config)
    await bootstrap.async_load_base_functionality(hass)
    asked = []
    assert await bootstrap.async_from_config_dict(config, hass)
    for name in ("turn_on", "turn_off"):
        hass.services.async_register("light", name, lambda call: asked.append((call.service, dict(call.data))))
    await hass.async_start()
    state = hass.states.get("automation.follows")
    assert state and state.state == "on", f"Home Assistant refuses the blueprint: {state}"
    return hass, asked


async def main(blueprints, folder):
    shutil.copytree(blueprints, folder / "blueprints")
    inputs = {"expression": SENSOR, "light": {"entity_id": "light.room"}, "nobody_after": 0.001, "brightness": 40}
    hass, asked = await start(folder, inputs)
    for mood, attributes, wanted in STEPS:
        asked.clear()
        hass.states.async_set(SENSOR, mood, attributes)
        await hass.async_block_till_done(wait_background_tasks=True)
        await asyncio.sleep(0.5)
        found = [(name, list(data["rgb_color"]) if "rgb_color" in data else None) for name, data in asked]
        assert found == ([wanted] if wanted else []), f"{mood} {attributes}: {asked}, not {wanted}"
        if wanted and wanted[0] == "turn_on":
            assert (asked[0][1]["brightness_pct"], asked[0][1]["entity_id"]) == (40, ["light.room"]), asked
    print(f"the blueprint: {len(STEPS)} steps, all fine", flush=True)
    await hass.async_stop(force=True)


with tempfile.TemporaryDirectory() as name:
    asyncio.run(main(sys.argv[1], pathlib.Path(name)))
