//! The 40-pin header of Jetson developer kits: the line at the place where a Raspberry Pi has a GPIO number.
//! Source: NVIDIA/jetson-gpio, gpio_pin_data.py (Orin NX and Orin Nano).

/// The name of the line at the place of this GPIO number on a Jetson Orin NX or Orin Nano (chip `tegra234-gpio`).
pub fn orin_line(gpio: u8) -> Option<&'static str> {
    Some(match gpio {
        4 => "PAC.06",
        17 => "PR.04",
        18 => "PH.07",
        27 => "PY.00",
        22 => "PN.01",
        23 => "PY.04",
        24 => "PY.03",
        10 => "PZ.05",
        9 => "PZ.04",
        25 => "PY.01",
        11 => "PZ.03",
        8 => "PZ.06",
        7 => "PZ.07",
        5 => "PQ.05",
        6 => "PQ.06",
        12 => "PG.06",
        13 => "PH.00",
        19 => "PI.02",
        16 => "PR.05",
        26 => "PY.02",
        20 => "PI.01",
        21 => "PI.00",
        // 0 to 3, 14 and 15 are I2C and the serial console there.
        _ => return None,
    })
}
