//! Asks a module built for describing for its manifest, in an interpreter and within bounds.

use wasmi::{
    Caller, Config, Engine, Extern, Func, Linker, Module, Store, StoreLimits, StoreLimitsBuilder,
    Val,
};

use crate::manifest::{self, MAX_MANIFEST_BYTES, Manifest, ManifestError};

/// The exported function of the SDK's `export!`.
const DESCRIBE: &str = "tessera-describe";
const FUEL: u64 = 2_000_000_000;
const MEMORY: usize = 64 * 1024 * 1024;

/// Why a module did not say what it is.
#[derive(Debug, thiserror::Error)]
pub enum DescribeError {
    #[error(
        "it could not be run for its manifest: {0}; does its lib.rs call tessera_sdk::export!?"
    )]
    Run(String),
    #[error("its manifest lies outside its memory")]
    OutOfBounds,
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

/// Runs the describing function and reads the manifest it leaves in memory.
pub(crate) fn manifest_of(module: &[u8]) -> Result<Manifest, DescribeError> {
    let json = run(module)?;
    #[derive(serde::Deserialize)]
    struct Refusal {
        error: String,
    }
    if let Ok(refusal) = serde_json::from_slice::<Refusal>(&json) {
        return Err(DescribeError::Refused(refusal.error));
    }
    Ok(manifest::parse(&json)?)
}

fn run(module: &[u8]) -> Result<Vec<u8>, DescribeError> {
    let failed = |error: wasmi::Error| DescribeError::Run(error.to_string());
    let mut config = Config::default();
    config.consume_fuel(true);
    let engine = Engine::new(&config);
    let module = Module::new(&engine, module).map_err(failed)?;
    let limits = StoreLimitsBuilder::new()
        .memory_size(MEMORY)
        .memories(1)
        .instances(1)
        .build();
    let mut store: Store<StoreLimits> = Store::new(&engine, limits);
    store.limiter(|limits| limits);
    store.set_fuel(FUEL).map_err(failed)?;
    let mut linker = Linker::new(&engine);
    for import in module.imports() {
        // A rule's only import is the log, and describing says nothing into it.
        if let Some(signature) = import.ty().func() {
            let silent = Func::new(
                &mut store,
                signature.clone(),
                |_: Caller<'_, StoreLimits>, _: &[Val], _: &mut [Val]| Ok(()),
            );
            linker
                .define(import.module(), import.name(), silent)
                .map_err(|error| failed(error.into()))?;
        }
    }
    let instance = linker
        .instantiate_and_start(&mut store, &module)
        .map_err(failed)?;
    let describe = instance
        .get_typed_func::<(), u64>(&store, DESCRIBE)
        .map_err(failed)?;
    let place = describe.call(&mut store, ()).map_err(failed)?;
    let memory = instance
        .get_export(&store, "memory")
        .and_then(Extern::into_memory)
        .ok_or(DescribeError::OutOfBounds)?;
    let (start, length) = (place >> 32, place & u64::from(u32::MAX));
    let start = usize::try_from(start).map_err(|_| DescribeError::OutOfBounds)?;
    let length = usize::try_from(length).map_err(|_| DescribeError::OutOfBounds)?;
    if length > MAX_MANIFEST_BYTES {
        return Err(ManifestError::TooLong.into());
    }
    let text = memory.data(&store).get(start..start.saturating_add(length));
    text.map(<[u8]>::to_vec).ok_or(DescribeError::OutOfBounds)
}
