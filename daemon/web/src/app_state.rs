//! Joins the four states of the page; each handler takes the one that it needs.

use std::sync::Arc;

use axum::extract::FromRef;

use super::{
    access_state::AccessState, device_state::DeviceState, live_state::LiveState,
    photo_state::PhotoState,
};

/// All of them. Built once.
#[derive(Clone)]
pub(super) struct AppState {
    pub(super) access: Arc<AccessState>,
    pub(super) device: Arc<DeviceState>,
    pub(super) live: Arc<LiveState>,
    pub(super) photos: Arc<PhotoState>,
}

impl FromRef<AppState> for Arc<AccessState> {
    fn from_ref(all: &AppState) -> Self {
        Arc::clone(&all.access)
    }
}

impl FromRef<AppState> for Arc<DeviceState> {
    fn from_ref(all: &AppState) -> Self {
        Arc::clone(&all.device)
    }
}

impl FromRef<AppState> for Arc<LiveState> {
    fn from_ref(all: &AppState) -> Self {
        Arc::clone(&all.live)
    }
}

impl FromRef<AppState> for Arc<PhotoState> {
    fn from_ref(all: &AppState) -> Self {
        Arc::clone(&all.photos)
    }
}
