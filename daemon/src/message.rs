//! The JSON that leaves this machine. One struct per message; field names are the interface.
