//! State, events and availability on a broker, and the embedded broker for a machine alone.
//!
//! Topics: `<prefix>/<id>/status` (retained, also the will), `/state` (retained), `/event` (QoS 1, never retained).
