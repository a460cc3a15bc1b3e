//! What one client owns: settings, statements, portals and the status of its transaction.

pub mod settings;
