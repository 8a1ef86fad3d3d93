//! The host's log, the one thing a rule may call. It changes no answer.

#[cfg(target_arch = "wasm32")]
use crate::bindings::points::tessera::types::log as host;

/// For whoever writes the rule.
pub fn debug(text: &str) {
    #[cfg(target_arch = "wasm32")]
    host::log(host::Level::Debug, text);
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("debug: {text}");
}

/// For whoever runs it.
pub fn info(text: &str) {
    #[cfg(target_arch = "wasm32")]
    host::log(host::Level::Info, text);
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("info: {text}");
}

/// Something the operator should look at.
pub fn warn(text: &str) {
    #[cfg(target_arch = "wasm32")]
    host::log(host::Level::Warn, text);
    #[cfg(not(target_arch = "wasm32"))]
    eprintln!("warn: {text}");
}
