//! Takes former announcements back: an empty retained message for each topic that is announced no more.

use super::Task;
use crate::home_assistant::protocol::lasting;

impl Task {
    /// A retained topic that gets nothing is forgotten by the broker; so Home Assistant forgets what was there.
    pub(super) fn take_back(&mut self) {
        let mut others = Vec::new();
        for former in self.ready.memory.former() {
            if self.ready.protocol.is_undecided(former) {
                tracing::warn!(
                    "{} is online with the identity of this device: its topics stay until the next connection; if a card or a \
                     folder was copied, delete the store and its .device.json in the copy",
                    former.status_topic
                );
                continue;
            }
            let ours = self.ready.protocol.leftovers(former);
            others.extend(
                former
                    .topics()
                    .filter(|topic| !ours.contains(topic))
                    .cloned(),
            );
            for topic in ours {
                let number = self.taking_back.len() as u32;
                self.ready
                    .publish
                    .publish_confirmed(lasting(topic.clone(), Vec::new()), number);
                self.taking_back.insert(number, topic);
            }
        }
        if !self.taking_back.is_empty() {
            tracing::info!(
                "{} topics of a former announcement are taken back",
                self.taking_back.len()
            );
        }
        if !others.is_empty() {
            tracing::info!("another device has a former name of this one; its topics stay");
            self.ready.memory.forget(&others);
        }
    }

    /// The broker has a message that takes a topic back. When it has all of them they need not be remembered any longer.
    pub(super) fn forgotten(&mut self, number: u32) {
        self.taken_back.extend(self.taking_back.remove(&number));
        if self.taking_back.is_empty() {
            let topics = std::mem::take(&mut self.taken_back);
            self.ready.memory.forget(&topics);
        }
    }
}
