//! A script run once, at build time: a component whose interpreter has run it, as it was then.
//!
//! Owns the engine for that and what the script sees of a host, which is little: WASI, lines for the log, and modules. All else of
//! `sessile:handler` fails with words that say why.

use std::sync::Arc;

use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{Component, ComponentType, Instance, Lift, Linker, LinkerInstance, ResourceTable, WasmList};
use wasmtime::{Config, Engine, OptLevel, Result, Store, format_err};
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

/// The interface by which the interpreter asks for modules.
pub const LOADER: &str = "local:init/module-loader";
const LOG: &str = "sessile:handler/log@0.1.0";

/// The modules of a script, and who hears what it says.
pub trait Modules: Send + Sync + 'static {
    /// The name of the module that another one imports by this specifier.
    ///
    /// # Errors
    /// Why there is none, for a person.
    fn resolve(&self, referrer: &str, specifier: &str) -> Result<String, String>;
    /// The text of a module.
    ///
    /// # Errors
    /// As [`Self::resolve`].
    fn load(&self, name: &str) -> Result<String, String>;
    /// A line for the log.
    fn say(&self, line: &str);
}

/// What is called to begin: a component's export of the type of `local:init`'s `init`, with its arguments.
#[derive(Clone, Copy, Debug)]
pub struct Start<'a> {
    /// The name of that export; the result has it no more.
    pub export: &'a str,
    /// What runs before all.
    pub prelude: &'a str,
    /// The script, and its name.
    pub text: &'a str,
    /// Its name in stack traces, to which its imports are relative.
    pub name: &'a str,
}

/// Runs a script in a component, and gives the component as it is then.
///
/// # Errors
/// The outer one: the component is not what it should be. The inner one: what the interpreter says of the script.
///
/// # Panics
/// Never, in a component that was made for it.
pub async fn snapshot(
    component: &[u8],
    start: Start<'_>,
    modules: Arc<dyn Modules>,
) -> Result<std::result::Result<Vec<u8>, String>> {
    let engine = engine()?;
    let wizer = {
        let mut wizer = Wizer::new();
        wizer.init_func(start.export);
        wizer
    };
    let (context, instrumented) = wizer.instrument_component(component)?;
    let compiled = Component::new(&engine, &instrumented)?;
    let linker = linker(&engine, &compiled, modules)?;
    let mut store = Store::new(&engine, World { wasi: WasiCtxBuilder::new().build(), table: ResourceTable::new() });
    let instance = linker.instantiate_async(&mut store, &compiled).await?;
    type Arguments<'a> = (&'a str, &'a str, Option<&'a str>, bool);
    type Answer = (std::result::Result<(), String>,);
    let begin = instance.get_typed_func::<Arguments<'_>, Answer>(&mut store, start.export)?;
    let (ran,) = begin.call_async(&mut store, (start.prelude, start.text, Some(start.name), false)).await?;
    if let Err(said) = ran {
        return Ok(Err(said));
    }
    Ok(Ok(wizer.snapshot_component(&context, &mut State { store: &mut store, instance }).await?))
}

/// What runs once is compiled in haste.
fn engine() -> Result<Engine> {
    let mut config = Config::new();
    config.wasm_component_model_async(true).cranelift_opt_level(OptLevel::None);
    Engine::new(&config)
}

fn linker(engine: &Engine, component: &Component, modules: Arc<dyn Modules>) -> Result<Linker<World>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    let mut loader = linker.instance(LOADER)?;
    let resolver = Arc::clone(&modules);
    loader.func_wrap("resolve", move |_, (referrer, specifier): (String, String)| {
        Ok((resolver.resolve(&referrer, &specifier),))
    })?;
    let loads = Arc::clone(&modules);
    loader.func_wrap("load", move |_, (name,): (String,)| Ok((loads.load(&name),)))?;
    linker.instance(LOG)?.func_wrap("write", move |_, (level, line): (Level, String)| {
        modules.say(&format!("{level:?} {line}"));
        Ok(())
    })?;
    for (name, item) in component.component_type().imports(engine) {
        if let ComponentItem::ComponentInstance(interface) = item.ty
            && name.starts_with("sessile:handler/")
            && name != LOG
        {
            refuse(&mut linker.instance(name)?, &interface, engine)?;
        }
    }
    Ok(linker)
}

/// Nothing of this can be asked before there is somebody to serve.
fn refuse(linker: &mut LinkerInstance<'_, World>, interface: &ComponentInstance, engine: &Engine) -> Result<()> {
    for (name, item) in interface.exports(engine) {
        let ComponentItem::ComponentFunc(func) = item.ty else { continue };
        let said = Arc::new(format!("`{name}` of the host was called at build time; call it in a handler"));
        if func.async_() {
            linker.func_new_concurrent(name, move |_, _, _, _| {
                let said = Arc::clone(&said);
                Box::pin(async move { Err(format_err!("{said}")) })
            })?;
        } else {
            linker.func_new(name, move |_, _, _, _| Err(format_err!("{said}")))?;
        }
    }
    Ok(())
}

struct World {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for World {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// How much a line matters. Each is made by lifting.
#[expect(dead_code, reason = "made by lifting alone")]
#[derive(Clone, Copy, Debug, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
enum Level {
    #[component(name = "trace")]
    Trace,
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}

/// What the instrumented component tells of its memories and globals. Wizer's own is the same, over features of wasmtime that a
/// host which serves should not have.
struct State<'a> {
    store: &'a mut Store<World>,
    instance: Instance,
}

impl State<'_> {
    #[expect(clippy::unwrap_used, reason = "the instrumentation has just added these exports")]
    async fn call<R: Lift + Send + Sync + 'static>(&mut self, instance: &str, name: &str) -> R {
        let (_, instance) = self.instance.get_export(&mut *self.store, None, instance).unwrap();
        let (_, func) = self.instance.get_export(&mut *self.store, Some(&instance), name).unwrap();
        let func = self.instance.get_typed_func::<(), (R,)>(&mut *self.store, func).unwrap();
        func.call_async(&mut *self.store, ()).await.unwrap().0
    }
}

impl ComponentInstanceState for State<'_> {
    async fn call_func_ret_list_u8(&mut self, instance: &str, name: &str, contents: impl FnOnce(&[u8]) + Send) {
        let list: WasmList<u8> = self.call(instance, name).await;
        contents(list.as_le_slice(&*self.store));
    }

    async fn call_func_ret_s32(&mut self, instance: &str, name: &str) -> i32 {
        self.call(instance, name).await
    }

    async fn call_func_ret_s64(&mut self, instance: &str, name: &str) -> i64 {
        self.call(instance, name).await
    }

    async fn call_func_ret_f32(&mut self, instance: &str, name: &str) -> u32 {
        self.call::<f32>(instance, name).await.to_bits()
    }

    async fn call_func_ret_f64(&mut self, instance: &str, name: &str) -> u64 {
        self.call::<f64>(instance, name).await.to_bits()
    }
}
