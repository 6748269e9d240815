//! MQTT 5's reason codes as text, with the way out where there is one.

use rumqttc::v5::mqttbytes::v5::{
    ConnectReturnCode, DisconnectReasonCode, PubAckReason, SubscribeReasonCode,
};

use super::VersionHint;

/// A broker's own reason text is foreign: so many characters of it are logged.
const TEXT_CHARS: usize = 120;

/// Why it did not let us in.
pub(super) fn of_refusal(code: ConnectReturnCode) -> String {
    use ConnectReturnCode as Code;
    let known = match code {
        Code::BadUserNamePassword => {
            "it refused user and password; set [mqtt] user and password_file"
        }
        Code::NotAuthorized => {
            "it refused user and password, or does not let this user in; set [mqtt] user and password_file"
        }
        Code::ClientIdentifierNotValid | Code::BadClientId => {
            "it does not take this device's name; set [device] id to another one"
        }
        Code::ServerUnavailable | Code::ServiceUnavailable => "it is not ready",
        Code::ServerBusy => "it is busy",
        Code::Banned => "it has banned this device; its administrator can lift that",
        Code::QuotaExceeded => "a limit that it sets is reached, such as its number of clients",
        Code::ConnectionRateExceeded => "too many connect to it at once",
        Code::PacketTooLarge => "our first packet is too large for it",
        Code::RetainNotSupported => "it keeps no messages (retain), which [mqtt] needs",
        Code::QoSNotSupported => "it gives no receipts (QoS 1), which [mqtt] needs",
        Code::UseAnotherServer | Code::ServerMoved => {
            "it sends us to another broker; set [mqtt] url"
        }
        Code::BadAuthenticationMethod => "it wants a way to log in that we do not have",
        other => return format!("it refused the connection: {other:?}"),
    };
    known.to_owned()
}

/// Why it ended a connection. `text` is its own.
pub(super) fn of_goodbye(code: DisconnectReasonCode, text: Option<&str>) -> String {
    use DisconnectReasonCode as Code;
    let known = match code {
        Code::NormalDisconnection => "it ended the connection",
        Code::ServerShuttingDown => "it shuts down",
        Code::ServerBusy => "it is busy",
        Code::KeepAliveTimeout => "it did not hear from us for too long",
        Code::SessionTakenOver => {
            "another client came with the same name; give each device its own [device] id"
        }
        Code::NotAuthorized => "it does not allow what we did; check what it allows this user",
        Code::AdministrativeAction => "its administrator ended the connection",
        Code::QuotaExceeded => "a limit that it sets is reached",
        Code::MessageRateTooHigh => "we send faster than it allows",
        Code::ReceiveMaximumExceeded => "it was sent more at once than it takes",
        Code::PacketTooLarge => "we sent it a packet that is too large for it",
        Code::ConnectionRateExceeded => "too many connect to it at once",
        Code::MaximumConnectTime => "it allows no longer connection",
        Code::UseAnotherServer | Code::ServerMoved => {
            "it sends us to another broker; set [mqtt] url"
        }
        Code::RetainNotSupported => "it keeps no messages (retain), which [mqtt] needs",
        Code::QoSNotSupported => "it gives no receipts (QoS 1), which [mqtt] needs",
        other => return with(&format!("it ended the connection: {other:?}"), text),
    };
    with(known, text)
}

/// Whether something that we sent may be the cause.
pub(super) fn sign_of_goodbye(code: DisconnectReasonCode) -> VersionHint {
    use DisconnectReasonCode as Code;
    match code {
        Code::PacketTooLarge
        | Code::NotAuthorized
        | Code::QuotaExceeded
        | Code::TopicNameInvalid
        | Code::PayloadFormatInvalid
        | Code::MalformedPacket
        | Code::ProtocolError
        | Code::UnspecifiedError
        | Code::ImplementationSpecificError => VersionHint::Broke,
        _ => VersionHint::Spoken,
    }
}

/// Why it does not take a message. `text` is its own.
pub(super) fn of_receipt(code: PubAckReason, text: Option<&str>) -> String {
    let known = match code {
        PubAckReason::NotAuthorized => "its access rules do not let this user write there",
        PubAckReason::QuotaExceeded => "a limit that it sets is reached",
        PubAckReason::TopicNameInvalid => "it does not take this topic",
        PubAckReason::PayloadFormatInvalid => "it does not take this content",
        other => return with(&format!("{other:?}"), text),
    };
    with(known, text)
}

/// Why it does not let us listen.
pub(super) fn of_subscription(code: &SubscribeReasonCode) -> String {
    match code {
        SubscribeReasonCode::NotAuthorized => {
            "its access rules do not let this user listen there".to_owned()
        }
        SubscribeReasonCode::QuotaExceeded => "a limit that it sets is reached".to_owned(),
        other => format!("{other:?}"),
    }
}

fn with(known: &str, text: Option<&str>) -> String {
    let plain = |c: &char| !c.is_control();
    let text: String = text
        .into_iter()
        .flat_map(str::chars)
        .filter(plain)
        .take(TEXT_CHARS)
        .collect();
    if text.is_empty() {
        return known.to_owned();
    }
    format!("{known} ({text})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_broker_adds_is_told_but_writes_no_lines_and_no_books() {
        let text = |text| of_goodbye(DisconnectReasonCode::ServerBusy, text);
        assert_eq!(text(None), "it is busy");
        assert_eq!(
            text(Some("back at 5\n\x1b[2J")),
            "it is busy (back at 5[2J)"
        );
        assert_eq!(text(Some("\n")), "it is busy");
        assert!(text(Some(&"x".repeat(60_000))).len() < 200);
    }

    #[test]
    fn refusals_name_the_way_out() {
        for (code, connect_options) in [
            (ConnectReturnCode::BadUserNamePassword, "password_file"),
            (ConnectReturnCode::NotAuthorized, "password_file"),
            (ConnectReturnCode::ClientIdentifierNotValid, "[device] id"),
            (ConnectReturnCode::ServerMoved, "[mqtt] url"),
            (ConnectReturnCode::ServerBusy, "busy"),
            (ConnectReturnCode::QuotaExceeded, "limit"),
            (
                ConnectReturnCode::PayloadFormatInvalid,
                "PayloadFormatInvalid",
            ),
        ] {
            let text = of_refusal(code);
            assert!(text.contains(connect_options), "{text}");
        }
        let taken = of_goodbye(DisconnectReasonCode::SessionTakenOver, None);
        assert!(taken.contains("[device] id"), "{taken}");
    }
}
