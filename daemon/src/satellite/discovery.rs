//! Finds satellites: at the port of the settings, or at every USB port with our ids.

use moodring_base::config::{SatellitePort, SatelliteSettings};
use serialport::{SerialPortType, UsbPortInfo};

/// As `firmware/boards/pico` has them: pid.codes' pair for private use, so the product's name counts too.
const IDS: (u16, u16) = (0x1209, 0x0001);
const PRODUCT: &str = "moodring";

/// The ports to open, of those that exist.
pub(super) fn ports(settings: &SatelliteSettings) -> Vec<String> {
    match &settings.port {
        SatellitePort::Off => Vec::new(),
        SatellitePort::Path(path) => vec![path.clone()],
        SatellitePort::Auto => by_usb(),
    }
}

fn by_usb() -> Vec<String> {
    // Some containers have no /sys, and sometimes no file can be opened; serialport would panic.
    if std::fs::read_dir("/sys/class/tty").is_err() {
        return Vec::new();
    }
    let all = serialport::available_ports().unwrap_or_default();
    let ours = all.into_iter().filter(|port| match &port.port_type {
        SerialPortType::UsbPort(usb) => is_ours(usb),
        _ => false,
    });
    ours.map(|port| port.port_name).collect()
}

fn is_ours(usb: &UsbPortInfo) -> bool {
    let product = usb.product.as_deref().unwrap_or_default();
    (usb.vid, usb.pid) == IDS && product.starts_with(PRODUCT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usb(vid: u16, pid: u16, product: Option<&str>) -> UsbPortInfo {
        UsbPortInfo {
            vid,
            pid,
            serial_number: None,
            manufacturer: None,
            product: product.map(str::to_owned),
        }
    }

    #[test]
    fn ids_and_name_both_count() {
        assert!(is_ours(&usb(0x1209, 1, Some("moodring satellite"))));
        assert!(!is_ours(&usb(0x1209, 1, Some("somebody's keyboard"))));
        assert!(!is_ours(&usb(0x1209, 1, None)));
        assert!(!is_ours(&usb(0x2e8a, 0xa, Some("moodring satellite"))));
    }

    #[test]
    fn a_named_port_is_taken_as_it_is_and_off_is_none() {
        let named = SatelliteSettings {
            port: SatellitePort::Path("/dev/serial0".into()),
            ..SatelliteSettings::default()
        };
        assert_eq!(ports(&named), ["/dev/serial0"]);
        let off = SatelliteSettings {
            port: SatellitePort::Off,
            ..SatelliteSettings::default()
        };
        assert!(ports(&off).is_empty());
        // Whatever is plugged in here, asking does no harm.
        let _found = ports(&SatelliteSettings::default());
    }
}
