//! The crowd comes, goes home, and is judged.

use std::{path::PathBuf, time::Duration};

use anyhow::Context;
use loadtest::{Crowd, Evidence, Plan, judge::ShopCounts, plan::Policy, report};

use super::{Options, Stage, figures::Figures, progress::Show, sale::Desk, settings};
use crate::{data_dir::DataDir, redis_child, shop::Counters};

/// Visitors played by one child process. Each child holds a bounded set of connections.
const PER_CHILD: u32 = 5000;
/// Between two looks at the crowd's progress.
const LOOK: Duration = Duration::from_millis(200);
/// Sweeping a hold may take so long after its end.
const SWEEP: Duration = Duration::from_secs(3);
/// Files beside the visitors' connections: stores, ledger, shop, listeners.
const OTHER_FILES: u64 = 512;

fn children(options: &Options) -> usize {
    options.visitors.div_ceil(PER_CHILD).clamp(1, 16) as usize
}

fn plan(options: &Options, stage: &Stage, dir: PathBuf) -> Plan {
    let base = format!("http://{}", stage.visitors);
    let mut plan = Plan::demo(options.visitors, options.stock, &base, dir);
    // At the pace of release, everybody has had a turn by then, with room for away and late ones.
    let turns = options
        .every
        .mul_f64(f64::from(options.visitors) / options.batch as f64);
    plan.deadline =
        (options.opens_in + Duration::from_mins(5) + 2 * turns).min(Duration::from_hours(4));
    plan.policy = Policy {
        capacity: options.capacity,
        batch: options.batch,
        tick: options.every,
        ..Policy::default()
    };
    plan
}

/// How many files this process may come to hold open at once.
pub(super) fn files_needed(options: &Options) -> u64 {
    let connections = Plan::demo(0, 0, "", PathBuf::new())
        .open_connections
        .min(options.visitors as usize);
    // Each may be passed on to the shop in the same instant.
    2 * (connections * children(options)) as u64 + OTHER_FILES
}

/// Runs the crowd to its end. True if every promise was kept.
pub(super) async fn rush(
    options: &Options,
    stage: &Stage,
    desk: &Desk,
    data: &DataDir,
    shop: &Counters,
    stores: &redis_child::Pair,
) -> anyhow::Result<bool> {
    if options.visitors == 0 {
        return Ok(true);
    }
    let before = Figures::read(stores).await;
    let plan = plan(options, stage, data.path().join("crowd"));
    let exe = std::env::current_exe().context("finding the crowd's program")?;
    let crowd = Crowd::spawn(&exe, plan, children(options))?;
    let plan = crowd.plan().clone();
    let watch = crowd.watch();
    let mut line = Show::new(options.visitors.into(), options.stock);
    let wait = crowd.wait();
    tokio::pin!(wait);
    let seen = loop {
        tokio::select! {
            seen = &mut wait => break seen?,
            () = tokio::time::sleep(LOOK) => line.show(watch.progress()),
        }
    };
    line.done();
    let counts = settled(options, desk).await?;
    let orders = loadtest::judge::read_orders(&data.ledger(), &settings::sale()).await?;
    let after = Figures::read(stores).await;

    let evidence = Evidence {
        plan: &plan,
        seen: &seen,
        orders: &orders,
        counts,
        shop: ShopCounts {
            requests: shop.requests(),
            without_pass: shop.without_pass(),
        },
    };
    let verdict = loadtest::judge::judge(&evidence);
    let kept = verdict.kept;
    let mut report = report::summarise(&evidence, verdict);
    report.extras = after.since(&before, options.visitors.into());
    println!("{}", report::terminal(&report));
    let page = match &options.json {
        Some(file) => {
            std::fs::write(file, report::json(&report)?)
                .with_context(|| file.display().to_string())?;
            let mut page = file.clone().into_os_string();
            page.push(".html");
            page.into()
        }
        None if options.data.is_some() => data.path().join("report.html"),
        None => tempfile::Builder::new()
            .prefix("vestibule-report-")
            .suffix(".html")
            .tempfile()?
            .into_temp_path()
            .keep()?,
    };
    std::fs::write(&page, report::html(&report)?).with_context(|| page.display().to_string())?;
    println!("Report       {}", page.display());
    Ok(kept)
}

/// The counts once the holds of those who walked away have gone back.
async fn settled(options: &Options, desk: &Desk) -> anyhow::Result<loadtest::judge::SaleCounts> {
    let until = tokio::time::Instant::now() + options.hold_ttl + SWEEP;
    loop {
        let counts = desk.counts().await?;
        if counts.held == 0 || tokio::time::Instant::now() >= until {
            return Ok(counts);
        }
        tokio::time::sleep(LOOK).await;
    }
}
