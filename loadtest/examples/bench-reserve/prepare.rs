//! Makes a key, signs passes, and writes down the very script the service runs.

use std::{
    fs::{File, write},
    io::{BufWriter, Write},
    path::Path,
    sync::Arc,
};

use entry_pass::{Issuer, KeyRing, NewPass, SaleId, TicketNumber, VisitorId};

use crate::Flags;

/// How long the passes run, seconds: longer than any measurement.
const RUNS: u64 = 6 * 3600;

/// Writes `passes.txt`, `jwks.json`, `reserve.lua` and `reserve.sha` into `--dir`.
pub(crate) fn run(flags: &Flags) -> Result<(), Box<dyn std::error::Error>> {
    let dir = Path::new(flags.text("dir")?);
    let pem = KeyRing::generate_pem()?;
    let ring = Arc::new(KeyRing::from_pems([pem.as_str()])?);
    write(dir.join("jwks.json"), ring.public().to_jwks())?;
    let (sha, text) = lua::sale::reserve_script();
    write(dir.join("reserve.lua"), text)?;
    write(dir.join("reserve.sha"), sha)?;

    let issuer = Issuer::new(ring, flags.text("issuer")?);
    let sale: SaleId = flags.text("sale")?.parse()?;
    let now = loadtest::clock::now_ms() / 1000;
    let mut out = BufWriter::new(File::create(dir.join("passes.txt"))?);
    for number in 1..=flags.number("passes")? {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        bytes[8..].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
        let visitor = VisitorId::from_bytes(bytes);
        let (pass, _) = issuer.issue(NewPass {
            room: sale.as_str().parse()?,
            sale: Some(sale.clone()),
            jti: visitor.as_str().to_owned(),
            person: visitor.into(),
            number: TicketNumber(number),
            issued_at: now,
            expires_at: now + RUNS,
        })?;
        writeln!(out, "{pass}")?;
    }
    out.flush()?;
    Ok(())
}
