//! Units and figures of each sku: what is out, what came back, and what they add up to.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entry_pass::Sku;
use lua::sale::{Picture, State};

use super::{
    super::{
        books::{Books, takes},
        difference::{Difference, Kind, Remedy},
    },
    Terms,
};

/// What is out of one sku.
#[derive(Default)]
struct Out<'a> {
    held: u64,
    sold: u64,
    units: HashMap<u32, &'a str>,
}

/// Every unit is out or free and not both, and the figures add up.
pub(super) fn units_and_counts(
    books: &Books,
    picture: &Picture,
    terms: &Terms,
    found: &mut Vec<Difference>,
) {
    let mut out: BTreeMap<&str, Out<'_>> = BTreeMap::new();
    for (id, booked) in &books.reservations {
        let record = &booked.record;
        if !takes(record.state) {
            continue;
        }
        let out = out.entry(record.sku.as_str()).or_default();
        match record.state {
            State::Held => out.held += u64::from(record.quantity),
            _ => out.sold += u64::from(record.quantity),
        }
        for unit in &record.units {
            if let Some(other) = out.units.insert(*unit, id) {
                let twice = format!("taken by {other} and {id}");
                found.push(
                    Difference::new(Kind::Contradiction, twice, "-")
                        .of(id, record)
                        .unit(*unit)
                        .remedy(Remedy::Look),
                );
            }
        }
    }
    let mut free: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for member in &picture.free {
        let unit = member.rsplit_once(':').and_then(|(sku, unit)| {
            let number: u32 = unit.parse().ok()?;
            (unit.len() == 10).then_some((sku, number))
        });
        match unit {
            Some((sku, unit)) => {
                free.entry(sku).or_default().insert(unit);
            }
            None => found.push(Difference::new(
                Kind::StrayUnit,
                "none",
                format!("free: {member}"),
            )),
        }
    }
    let mut skus: BTreeSet<&str> = books.supply.keys().map(Sku::as_str).collect();
    skus.extend(out.keys());
    skus.extend(free.keys());
    skus.extend(
        picture
            .instant
            .stock
            .keys()
            .filter_map(|field| field.rsplit_once(':').map(|(sku, _)| sku)),
    );
    let (no_out, no_free) = (Out::default(), BTreeSet::new());
    for sku in skus {
        let (out, free) = (
            out.get(sku).unwrap_or(&no_out),
            free.get(sku).unwrap_or(&no_free),
        );
        figures(books, picture, sku, out, found);
        units(picture, sku, out, free, terms, found);
    }
}

fn figures(
    books: &Books,
    picture: &Picture,
    sku: &str,
    out: &Out<'_>,
    found: &mut Vec<Difference>,
) {
    let is = |name: &str| {
        picture
            .instant
            .stock
            .get(&format!("{sku}:{name}"))
            .map(String::as_str)
    };
    let supply = sku.parse().ok().and_then(|sku: Sku| books.supply.get(&sku));
    let Some(supply) = supply else {
        found.push(
            Difference::new(
                Kind::WrongCount,
                "never supplied",
                is("supplied").unwrap_or("none"),
            )
            .sku(sku),
        );
        return;
    };
    let gone = out.held + out.sold;
    let should = [
        (Kind::WrongCount, "supplied", supply.supplied.to_string()),
        (
            Kind::WrongCount,
            "available",
            supply.supplied.saturating_sub(gone).to_string(),
        ),
        (Kind::WrongCount, "held", out.held.to_string()),
        (Kind::WrongCount, "sold", out.sold.to_string()),
        (Kind::WrongLimit, "limit", supply.limit.to_string()),
        (Kind::WrongCount, "event", supply.event.to_string()),
    ];
    for (kind, name, should) in should {
        let is = is(name).unwrap_or("none");
        if is != should {
            let (should, is) = (format!("{name} {should}"), format!("{name} {is}"));
            found.push(Difference::new(kind, should, is).sku(sku));
        }
    }
    if gone > supply.supplied {
        let sold = format!("{gone} of {} held and sold", supply.supplied);
        found.push(
            Difference::new(Kind::Contradiction, sold, "-")
                .sku(sku)
                .remedy(Remedy::Look),
        );
    }
}

fn units(
    picture: &Picture,
    sku: &str,
    out: &Out<'_>,
    free: &BTreeSet<u32>,
    terms: &Terms,
    found: &mut Vec<Difference>,
) {
    let stray = |unit: u32, ledger: &str, stock: &str| {
        Difference::new(Kind::StrayUnit, ledger, stock)
            .sku(sku)
            .unit(unit)
    };
    let minted = picture.instant.stock.get(&format!("{sku}:minted"));
    let Some(minted) = minted.and_then(|minted| minted.parse::<u32>().ok()) else {
        let is = minted.map_or("none", String::as_str);
        let difference =
            Difference::new(Kind::WrongCount, "minted, a number", format!("minted {is}"));
        found.push(difference.sku(sku));
        return;
    };
    let typed: Option<Sku> = sku.parse().ok();
    let moved = |unit: u32| {
        typed
            .as_ref()
            .is_some_and(|sku| terms.moved.units.contains(&(sku.clone(), unit)))
    };
    for unit in free.iter().copied().filter(|unit| !moved(*unit)) {
        if let Some(id) = out.units.get(&unit) {
            found.push(stray(unit, &format!("taken by {id}"), "free").id(id));
        }
        if unit > minted {
            found.push(stray(unit, "never allotted", "free"));
        }
    }
    for (unit, id) in out
        .units
        .iter()
        .filter(|(unit, _)| **unit > minted && !moved(**unit))
    {
        let minted = format!("only {minted} allotted");
        found.push(stray(*unit, &format!("taken by {id}"), &minted).id(id));
    }
    let known = out.units.keys().chain(free).copied().max().unwrap_or(0);
    for unit in (1..=minted.min(known)).filter(|unit| !moved(*unit)) {
        if !out.units.contains_key(&unit) && !free.contains(&unit) {
            found.push(stray(unit, "nobody's", "not free"));
        }
    }
    let moved_above = terms
        .moved
        .units
        .iter()
        .any(|(of, unit)| of.as_str() == sku && *unit > known);
    if minted > known && !moved_above {
        let is = format!("{} allotted and neither free nor taken", minted - known);
        found.push(Difference::new(Kind::StrayUnit, "nobody's", is).sku(sku));
    }
}
