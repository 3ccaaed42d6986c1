//! Gathers what many ask into few calls.
//!
//! The first question after a pause is sent at once. While a call is on its way, others gather for
//! a millisecond, so batches grow with the load by themselves and an idle line adds no delay. The
//! queue is bounded: a store that does not answer must not fill the memory, so who comes then is
//! told to come back.

use std::{future::Future, sync::Arc};

use lua::room::WaitlistError;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{GATHER, IN_FLIGHT, LineError, MOST};

/// Most questions waiting to be sent; at 50 000 a second that is a third of a second.
const QUEUE: usize = 16_384;

type Question<T, R> = (T, oneshot::Sender<Result<R, LineError>>);

/// The asking end of a batch.
pub(super) struct Batcher<T, R> {
    questions: mpsc::Sender<Question<T, R>>,
}

impl<T: Send + 'static, R: Send + 'static> Batcher<T, R> {
    /// `call` answers a batch, one answer per question in the same order.
    pub(super) fn start<F, Fut>(tasks: &TaskTracker, stop: &CancellationToken, call: F) -> Self
    where
        F: Fn(Vec<T>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<R>, WaitlistError>> + Send + 'static,
    {
        let (questions, queue) = mpsc::channel(QUEUE);
        let gathering = gather(queue, tasks.clone(), stop.clone(), Arc::new(call));
        tasks.spawn(gathering);
        Self { questions }
    }

    /// Asks one question and waits for its answer.
    pub(super) async fn ask(&self, question: T) -> Result<R, LineError> {
        let (answer, answered) = oneshot::channel();
        self.questions
            .try_send((question, answer))
            .map_err(|_| LineError::Busy)?;
        answered.await.map_err(|_| LineError::Busy)?
    }
}

async fn gather<T, R, F, Fut>(
    mut queue: mpsc::Receiver<Question<T, R>>,
    tasks: TaskTracker,
    stop: CancellationToken,
    call: Arc<F>,
) where
    T: Send + 'static,
    R: Send + 'static,
    F: Fn(Vec<T>) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Vec<R>, WaitlistError>> + Send + 'static,
{
    let flights = Arc::new(Semaphore::new(IN_FLIGHT));
    let mut batch = Vec::with_capacity(MOST);
    loop {
        let got = tokio::select! {
            got = queue.recv_many(&mut batch, MOST) => got,
            () = stop.cancelled() => 0,
        };
        if got == 0 {
            return;
        }
        if flights.available_permits() < IN_FLIGHT {
            tokio::time::sleep(GATHER).await;
            while batch.len() < MOST
                && let Ok(question) = queue.try_recv()
            {
                batch.push(question);
            }
        }
        let Ok(flight) = Arc::clone(&flights).acquire_owned().await else {
            return;
        };
        let (questions, answers): (Vec<T>, Vec<_>) = batch.drain(..).unzip();
        let call = Arc::clone(&call);
        tasks.spawn(async move {
            let result = call(questions).await;
            drop(flight);
            match result {
                Ok(results) => {
                    for (answer, result) in answers.into_iter().zip(results) {
                        // Whoever hung up meanwhile has a place all the same.
                        let _ = answer.send(Ok(result));
                    }
                }
                Err(error) => {
                    let error = LineError::Away(Arc::new(error));
                    for answer in answers {
                        let _ = answer.send(Err(error.clone()));
                    }
                }
            }
        });
    }
}
