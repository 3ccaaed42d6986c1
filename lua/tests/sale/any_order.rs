//! Any order of calls, at any times, with restarts in between: every answer, every event and every
//! key is what the model says, and the stream alone tells the same story.

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{FailurePersistence, FileFailurePersistence},
};

use super::{
    stage::Stage,
    steps::{Step, callers, step, supply},
};

async fn run(opening: Vec<Step>, steps: Vec<(Step, usize)>) -> Result<(), TestCaseError> {
    let mut stage = Stage::new().await;
    let opening = opening.into_iter().map(|step| (step, 1));
    for (n, (step, callers)) in opening.chain(steps).enumerate() {
        if let Err(wrong) = stage.step(&step, callers).await {
            return Err(TestCaseError::fail(format!(
                "after step {n}, {step:?}:\n{wrong}"
            )));
        }
    }
    stage
        .end()
        .await
        .map_err(|wrong| TestCaseError::fail(format!("at the end:\n{wrong}")))
}

/// Sequences that once failed, beside this file.
fn remembered() -> Box<dyn FailurePersistence> {
    Box::new(FileFailurePersistence::Direct(
        "tests/sale/any_order.regressions",
    ))
}

/// Most sales begin with two skus; some with nothing.
fn opening() -> impl Strategy<Value = Vec<Step>> {
    let seeded = |sku: usize, supplied: u32, limit: u32| Step::Supply {
        sku,
        supplied,
        limit,
        seed: true,
    };
    prop_oneof![
        9 => (1..9u32, 1..5u32, 1..5u32).prop_map(move |(supplied, more, limit)| {
            vec![seeded(0, supplied, limit), seeded(1, more, 1)]
        }),
        1 => vec(supply(), 0..2),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(remembered()),
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_the_sale_is_as_the_model_says(
        opening in opening(),
        steps in vec((step(), callers()), 1..90),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(opening, steps))?;
    }
}
