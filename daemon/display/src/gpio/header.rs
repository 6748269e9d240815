//! The 40-pin header: where a GPIO number is on it, and, on NVIDIA's developer kits, the line at the place where a Raspberry Pi
//! has that number. Source: NVIDIA/jetson-gpio, lib/python/Jetson/GPIO/gpio_pin_data.py.

/// A Jetson whose header is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Jetson {
    /// AGX Orin.
    AgxOrin,
    /// Orin NX and Orin Nano: one carrier board takes both.
    OrinNx,
    /// AGX Xavier.
    AgxXavier,
    /// Xavier NX.
    XavierNx,
}

/// Broadcom's numbers in the order of the tables below: header pins 7, 11, 12, 13, 15, 16, 18, 19, 21 to 24, 26, 29, 31 to 33, 35
/// to 38, 40. 0 to 3, 14 and 15 are I2C and the serial console on a Jetson.
const NUMBERS: [u8; 22] = [
    4, 17, 18, 27, 22, 23, 24, 10, 9, 25, 11, 8, 7, 5, 6, 12, 13, 19, 16, 26, 20, 21,
];
const AGX_ORIN: [&str; 22] = [
    "PQ.06", "PR.04", "PH.07", "PR.00", "PN.01", "PBB.01", "PH.00", "PZ.05", "PZ.04", "PP.04",
    "PZ.03", "PZ.06", "PZ.07", "PAA.01", "PAA.00", "PBB.00", "PAA.02", "PI.02", "PR.05", "PAA.03",
    "PI.01", "PI.00",
];
const ORIN_NX: [&str; 22] = [
    "PAC.06", "PR.04", "PH.07", "PY.00", "PN.01", "PY.04", "PY.03", "PZ.05", "PZ.04", "PY.01",
    "PZ.03", "PZ.06", "PZ.07", "PQ.05", "PQ.06", "PG.06", "PH.00", "PI.02", "PR.05", "PY.02",
    "PI.01", "PI.00",
];
const AGX_XAVIER: [&str; 22] = [
    "PQ.06", "PR.04", "PH.07", "PR.00", "PN.01", "PBB.00", "PH.00", "PZ.05", "PZ.04", "PQ.01",
    "PZ.03", "PZ.06", "PZ.07", "PAA.03", "PAA.02", "PBB.01", "PAA.00", "PI.02", "PR.05", "PAA.01",
    "PI.01", "PI.00",
];
const XAVIER_NX: [&str; 22] = [
    "PS.04", "PR.04", "PT.05", "PY.00", "PCC.04", "PY.04", "PY.03", "PZ.05", "PZ.04", "PY.01",
    "PZ.03", "PZ.06", "PZ.07", "PQ.05", "PQ.06", "PR.00", "PN.01", "PU.00", "PR.05", "PY.02",
    "PT.07", "PT.06",
];

impl Jetson {
    /// The Jetson of a device tree's `compatible`, whose strings end with a zero byte. It names the carrier board and the
    /// module, such as `nvidia,p3768-0000+p3767-0005`; the module decides.
    pub fn of(compatible: &str) -> Option<Self> {
        let modules = [
            ("p3701", Self::AgxOrin),
            ("p3767", Self::OrinNx),
            ("p3668", Self::XavierNx),
            ("p2888", Self::AgxXavier),
            ("p2972", Self::AgxXavier),
        ];
        let strings: Vec<_> = compatible
            .split('\0')
            .filter(|name| name.starts_with("nvidia,"))
            // Clara AGX has the module of an AGX Xavier on another board.
            .filter(|name| !name.contains("e3900"))
            .collect();
        modules.iter().find_map(|(module, jetson)| {
            let has = strings.iter().any(|name| name.contains(module));
            has.then_some(*jetson)
        })
    }

    /// The name of the line at the place of this GPIO number.
    pub fn line(self, gpio: u8) -> Option<&'static str> {
        let names = match self {
            Self::AgxOrin => &AGX_ORIN,
            Self::OrinNx => &ORIN_NX,
            Self::AgxXavier => &AGX_XAVIER,
            Self::XavierNx => &XAVIER_NX,
        };
        let at = NUMBERS.iter().position(|number| *number == gpio)?;
        names.get(at).copied()
    }
}

/// The pin of the header that has this GPIO number.
pub fn header_pin(gpio: u8) -> Option<u8> {
    const PINS: [u8; 28] = [
        27, 28, 3, 5, 7, 29, 31, 26, 24, 21, 19, 23, 32, 33, 8, 10, 36, 11, 12, 35, 38, 40, 15, 16,
        18, 22, 37, 13,
    ];
    PINS.get(usize::from(gpio)).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_module_decides() {
        let of = |text: &str| Jetson::of(text);
        let agx = "nvidia,p3737-0000+p3701-0005\0nvidia,p3701-0005\0nvidia,tegra234\0";
        assert_eq!(of(agx), Some(Jetson::AgxOrin));
        let nano = "nvidia,p3768-0000+p3767-0005-super\0nvidia,p3767-0005\0nvidia,tegra234\0";
        assert_eq!(of(nano), Some(Jetson::OrinNx));
        let nx = "nvidia,p3509-0000+p3668-0001\0nvidia,tegra194\0";
        assert_eq!(of(nx), Some(Jetson::XavierNx));
        let xavier = "nvidia,p2972-0000\0nvidia,tegra194\0";
        assert_eq!(of(xavier), Some(Jetson::AgxXavier));
        assert_eq!(of("nvidia,e3900-0000+p2888-0004\0"), None);
        assert_eq!(of("vendor,board\0nvidia,tegra234\0"), None);
        assert_eq!(of("raspberrypi,5-model-b\0brcm,bcm2712\0"), None);
    }

    #[test]
    fn each_kit_has_its_own_lines() {
        let at = |gpio| {
            let kits = [
                Jetson::AgxOrin,
                Jetson::OrinNx,
                Jetson::AgxXavier,
                Jetson::XavierNx,
            ];
            kits.map(|jetson| jetson.line(gpio).unwrap())
        };
        assert_eq!(at(25), ["PP.04", "PY.01", "PQ.01", "PY.01"]);
        assert_eq!(at(27), ["PR.00", "PY.00", "PR.00", "PY.00"]);
        assert_eq!(at(18), ["PH.07", "PH.07", "PH.07", "PT.05"]);
        assert_eq!(at(23)[0], "PBB.01");
        assert_eq!(Jetson::OrinNx.line(14), None);
        for jetson in [
            Jetson::AgxOrin,
            Jetson::OrinNx,
            Jetson::AgxXavier,
            Jetson::XavierNx,
        ] {
            let lines: HashSet<_> = NUMBERS.iter().map(|gpio| jetson.line(*gpio)).collect();
            assert_eq!(lines.len(), NUMBERS.len(), "{jetson:?}");
        }
    }

    #[test]
    fn every_number_has_its_own_pin() {
        let pins: HashSet<_> = (0..28).map(|gpio| header_pin(gpio).unwrap()).collect();
        assert_eq!(pins.len(), 28);
        let known = [
            (25, 22),
            (27, 13),
            (18, 12),
            (10, 19),
            (11, 23),
            (8, 24),
            (20, 38),
            (14, 8),
        ];
        assert!(
            known
                .iter()
                .all(|(gpio, pin)| header_pin(*gpio) == Some(*pin))
        );
        assert_eq!(header_pin(28), None);
    }
}
