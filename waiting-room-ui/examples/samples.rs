//! Writes every sample page and the assets to a directory, to be looked at in a browser.

use std::{env, fs, io, path::PathBuf};

use waiting_room_ui::{CONTENT_SECURITY_POLICY, assets, samples};

fn main() -> io::Result<()> {
    let Some(dir) = env::args_os().nth(1).map(PathBuf::from) else {
        return Err(io::Error::other("say where to: samples DIR"));
    };
    fs::create_dir_all(dir.join("assets"))?;
    for asset in assets() {
        fs::write(dir.join("assets").join(&asset.name), asset.bytes)?;
    }
    fs::write(dir.join("policy.txt"), CONTENT_SECURITY_POLICY)?;
    for (name, html) in samples::all() {
        // Opened as files, the pages find their assets beside them.
        let html = html.replace("/_wr/assets/", "assets/");
        fs::write(dir.join(name).with_extension("html"), html)?;
    }
    println!("{}", dir.display());
    Ok(())
}
