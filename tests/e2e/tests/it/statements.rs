//! Statements and the account-opening record over HTTP: whose they are, and which addresses lead nowhere.

use serde_json::Value;

use crate::app::{App, Person, shared};

async fn newest(app: &App, customer: &Person) -> Value {
    let listed = app.get(customer, "/v1/statements?limit=1").await.ok();
    assert!(listed["next_cursor"].is_string(), "{listed}");
    listed["items"][0].clone()
}

#[tokio::test]
async fn a_customer_opens_their_statement_and_staff_see_the_same_bytes() {
    let app = shared();
    let customer = app.looked_at("revolving", 0).await;
    let statement = newest(app, &customer).await;
    let number = &statement["number"];
    let data = app.get(&customer, &format!("/v1/statements/{number}")).await.ok();
    assert_eq!(data["statement"]["new_balance_cents"], statement["new_balance_cents"]);

    let html = app.get(&customer, &format!("/v1/statements/{number}/html")).await;
    assert_eq!((html.status, html.content_type.as_str()), (200, "text/html; charset=utf-8"));
    assert_eq!(html.cache_control, "no-store");
    assert!(html.text.contains(&format!("<h1>Statement {number}</h1>")));
    assert!(html.text.contains(&customer.name));
    let pdf = app.get(&customer, &format!("/v1/statements/{number}/pdf")).await;
    assert_eq!((pdf.status, pdf.content_type.as_str()), (200, "application/pdf"));
    assert!(pdf.text.starts_with("%PDF-1."));
    let record = app.get(&customer, "/v1/opening-record").await;
    assert_eq!((record.status, record.content_type.as_str()), (200, "text/html; charset=utf-8"));
    assert!(record.text.contains("Annual percentage rate (APR) for draws"));

    let below = format!("/v1/desk/customers/{}", customer.id);
    for role in ["representative", "compliance"] {
        let staff = app.staff(role).await;
        let listed = app.get(&staff, &format!("{below}/statements?limit=1")).await.ok();
        assert_eq!(listed["items"][0], statement, "{role}");
        let same = app.get(&staff, &format!("{below}/statements/{number}/html")).await;
        assert_eq!(same.text, html.text, "{role}");
        let same = app.get(&staff, &format!("{below}/opening-record")).await;
        assert_eq!(same.text, record.text, "{role}");
    }
    let again = app.get(&customer, &format!("/v1/statements/{number}/pdf")).await;
    assert_eq!(again.text, pdf.text);
}

#[tokio::test]
async fn nobody_reaches_the_statements_of_somebody_else() {
    let app = shared();
    let (owner, other) = (app.looked_at("revolving", 0).await, app.looked_at("revolving", 1).await);
    let number = newest(app, &owner).await["number"].clone();
    // The number of a statement of the owner's names one of their own, and the addresses of staff open nothing.
    let own = app.get(&other, &format!("/v1/statements/{number}/html")).await;
    assert!(own.text.contains(&other.name) && !own.text.contains(&owner.name), "{own:?}");
    let below = format!("/v1/desk/customers/{}", owner.id);
    for path in ["/statements", "/statements/1/pdf", "/opening-record"] {
        let answer = app.get(&other, &format!("{below}{path}")).await;
        assert_eq!(answer.problem(), (403, "not_allowed".to_owned()), "{path}");
        let engineer = app.staff("engineer").await;
        let answer = app.get(&engineer, &format!("{below}{path}")).await;
        assert_eq!(answer.problem(), (403, "not_allowed".to_owned()), "{path}");
    }
    let staff = app.staff("representative").await;
    let nobody = "/v1/desk/customers/00000000-0000-7000-8000-000000000000/statements/1/pdf";
    assert_eq!(app.get(&staff, nobody).await.problem(), (404, "no_credit_line".to_owned()));
}

#[tokio::test]
async fn an_address_that_is_no_statement_leads_nowhere() {
    let app = shared();
    let customer = app.looked_at("revolving", 0).await;
    for (path, status, code) in [
        ("/v1/statements/1/exe", 400, "path_invalid"),
        ("/v1/statements/1/HTML", 400, "path_invalid"),
        ("/v1/statements/0/pdf", 404, "not_found"),
        ("/v1/statements/4294967295/pdf", 404, "not_found"),
        ("/v1/statements/4294967296/pdf", 400, "path_invalid"),
        ("/v1/statements/..%2F..%2Fetc%2Fpasswd/pdf", 400, "path_invalid"),
        ("/v1/statements/1%00/pdf", 400, "path_invalid"),
        ("/v1/statements/1/pdf/more", 404, "not_found"),
        ("/v1/statements/1/pdf?number=2", 400, "query_invalid"),
        ("/v1/statements?cursor=1%27--", 400, "cursor_invalid"),
        ("/v1/statements?limit=0", 400, "limit_invalid"),
        ("/v1/opening-record/1", 404, "not_found"),
    ] {
        assert_eq!(app.get(&customer, path).await.problem(), (status, code.to_owned()), "{path}");
    }
    let applicant = app.customer("declined").await;
    for path in ["/v1/statements", "/v1/statements/1/html", "/v1/opening-record"] {
        let answer = app.get(&applicant, path).await;
        assert_eq!(answer.problem(), (404, "no_credit_line".to_owned()), "{path}");
    }
}
