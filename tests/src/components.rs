//! Components for tests: fixtures built from source, and files whose very shape is wrong.

use std::path::Path;

use serde_json::Value;
use tessera_build::{MANIFEST_SECTION, Options};
use wasm_encoder::{
    CodeSection, Component, ComponentImportSection, ComponentTypeRef, ComponentTypeSection,
    CustomSection, FunctionSection, InstanceType, MemorySection, MemoryType, Module, ModuleSection,
    TypeSection,
};

/// Builds `tests/fixtures/<name>` the way an author's crate is built.
pub fn build_fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name);
    match tessera_build::build(&folder, &Options::default()) {
        Ok(component) => component.bytes,
        Err(error) => panic!("build the fixture {name}: {error}"),
    }
}

/// A plugin the host carries.
pub fn first_party(name: &str) -> &'static [u8] {
    let found = tessera_embed::all()
        .iter()
        .find(|embedded| embedded.name == name);
    found
        .unwrap_or_else(|| panic!("no first-party plugin {name}"))
        .bytes
}

/// A WebAssembly module that is no component.
pub fn core_module() -> Vec<u8> {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let mut functions = FunctionSection::new();
    functions.function(0);
    let mut code = CodeSection::new();
    let mut function = wasm_encoder::Function::new([]);
    function.instructions().end();
    code.function(&function);
    let mut module = Module::new();
    module.section(&types).section(&functions).section(&code);
    module.finish()
}

/// A component with a manifest and nothing else.
pub fn exporting_nothing(manifest: &[u8]) -> Vec<u8> {
    let mut component = Component::new();
    component.section(&section(manifest));
    component.finish()
}

/// A component that wants an interface with one function.
pub fn importing(manifest: &[u8], interface: &str) -> Vec<u8> {
    let mut instance = InstanceType::new();
    instance
        .ty()
        .function()
        .params::<[(&str, wasm_encoder::ComponentValType); 0], _>([])
        .result(None);
    instance.export("now", ComponentTypeRef::Func(0));
    let mut types = ComponentTypeSection::new();
    types.instance(&instance);
    let mut imports = ComponentImportSection::new();
    imports.import(interface, ComponentTypeRef::Instance(0));
    let mut component = Component::new();
    component
        .section(&types)
        .section(&imports)
        .section(&section(manifest));
    component.finish()
}

/// A component whose module wants that many bytes of memory from the start.
pub fn with_memory_of(manifest: &[u8], bytes: u64) -> Vec<u8> {
    let mut memories = MemorySection::new();
    let page_size = 65_536;
    memories.memory(MemoryType {
        minimum: bytes / page_size,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut module = Module::new();
    module.section(&memories);
    let mut component = Component::new();
    component
        .section(&ModuleSection(&module))
        .section(&section(manifest));
    component.finish()
}

fn section(manifest: &[u8]) -> CustomSection<'_> {
    CustomSection {
        name: MANIFEST_SECTION.into(),
        data: manifest.into(),
    }
}

/// The manifest a component carries, as it is written there.
pub fn manifest_of(component: &[u8]) -> Vec<u8> {
    let found = sections(component).find_map(|(_, content)| manifest_in(content));
    found.expect("the component has a manifest").to_vec()
}

/// The same component with another manifest.
pub fn with_manifest(component: &[u8], edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut manifest: Value =
        serde_json::from_slice(&manifest_of(component)).expect("a manifest is JSON");
    edit(&mut manifest);
    let mut changed = component[..8].to_vec();
    for (whole, content) in sections(component) {
        if manifest_in(content).is_none() {
            changed.extend_from_slice(whole);
        }
    }
    let manifest = exporting_nothing(manifest.to_string().as_bytes());
    changed.extend_from_slice(&manifest[8..]);
    changed
}

/// The sections of a component: each whole, and what is inside when it is a custom one.
fn sections(component: &[u8]) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
    let mut rest = &component[8..];
    std::iter::from_fn(move || {
        let (&id, after) = rest.split_first()?;
        let (length, head) = leb(after);
        let (whole, next) = rest.split_at(1 + head + length);
        rest = next;
        Some((whole, (id == 0).then_some(&whole[1 + head..])))
    })
}

fn manifest_in(custom: Option<&[u8]>) -> Option<&[u8]> {
    let (length, head) = leb(custom?);
    let (name, data) = custom?[head..].split_at(length);
    (name == MANIFEST_SECTION.as_bytes()).then_some(data)
}

/// A number in LEB128 and how many bytes it takes.
fn leb(bytes: &[u8]) -> (usize, usize) {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return (value, at + 1);
        }
    }
    panic!("the component ends inside a number")
}
