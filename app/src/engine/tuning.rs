//! What trials of shaders have found on this visitor's adapter, kept in the origin's private file
//! system so that none runs twice. Where there is no such file system, trials run at every visit.

use super::io::kept::{file_to_write, private_files, replace};
use super::io::worker::wait;
use js_sys::JsString;
use kernels::gpu::{Gpu, Tuning};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, FileSystemFileHandle, FileSystemSyncAccessHandle};

const FILE: &str = "shaders.txt";

/// Takes what an earlier visit found for this adapter, and keeps what this one finds.
pub async fn follow(gpu: &Gpu) {
    let Some(file) = open().await else { return };
    if let Some(tuning) = recall(&file, gpu).await {
        gpu.set_tuning(tuning);
    }
    let adapter = gpu.info().clone();
    gpu.on_record(move |tuning| {
        let (file, record) = (file.clone(), tuning.record(&adapter));
        spawn_local(async move {
            if let Err(error) = keep(&file, &record).await {
                // Another tab writes it, or the device is full: the next visit measures again.
                log::info!("the choice of shaders is not kept: {error:?}");
            }
        });
    });
}

async fn open() -> Option<FileSystemFileHandle> {
    file_to_write(&private_files().await?, FILE).await.ok()
}

async fn recall(file: &FileSystemFileHandle, gpu: &Gpu) -> Option<Tuning> {
    let file: Blob = wait(file.get_file()).await.ok()?;
    let text: JsString = wait(file.text()).await.ok()?;
    Tuning::recall(&String::from(text), gpu.info())
}

async fn keep(file: &FileSystemFileHandle, record: &str) -> Result<(), JsValue> {
    let access: FileSystemSyncAccessHandle = wait(file.create_sync_access_handle()).await?;
    replace(&access, record.as_bytes())
}
