use axum::body::Body;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;

fn operator() -> Router {
    let away = Secret::from("redis+unix:///not/there.sock".to_owned());
    router(Operator {
        token: Secret::from("sesame".to_owned()),
        dependencies: vec![Dependency::Store("waitlist", away)],
        metrics: PrometheusBuilder::new().build_recorder().handle(),
        routes: Router::new().route("/v1/sales/demo", get(|| async { "counts" })),
    })
}

async fn status(path: &str, authorization: Option<&str>) -> StatusCode {
    let mut request = http::Request::get(path);
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    operator()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap()
        .status()
}

#[tokio::test]
async fn without_the_token_nothing_but_the_probes_answers() {
    for path in ["/metrics", "/v1/sales/demo", "/not/there"] {
        for wrong in [
            None,
            Some("Bearer sesam"),
            Some("Basic sesame"),
            Some("sesame"),
        ] {
            assert_eq!(
                status(path, wrong).await,
                StatusCode::UNAUTHORIZED,
                "{path} {wrong:?}"
            );
        }
    }
    assert_eq!(
        status("/metrics", Some("Bearer sesame")).await,
        StatusCode::OK
    );
    assert_eq!(
        status("/v1/sales/demo", Some("bearer sesame")).await,
        StatusCode::OK
    );
    assert_eq!(
        status("/not/there", Some("Bearer sesame")).await,
        StatusCode::NOT_FOUND
    );
    assert_eq!(status("/livez", None).await, StatusCode::OK);
}

#[tokio::test]
async fn readiness_names_the_dependency_that_is_away() {
    let request = http::Request::get("/readyz").body(Body::empty()).unwrap();
    let response = operator().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key("retry-after"));
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let said: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(said["dependencies"]["waitlist"], "no answer");
}
