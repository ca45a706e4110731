//! A database per test.

use sqlx::Executor;

#[tokio::test]
async fn each_test_has_a_database_of_its_own_and_it_goes_with_the_test() {
    let one = store::testing::database().await;
    let other = store::testing::database().await;
    one.owner().execute("CREATE TABLE mine (n int)").await.unwrap();
    assert!(other.owner().execute("SELECT FROM mine").await.is_err());

    let name: String =
        sqlx::query_scalar("SELECT current_database()").fetch_one(one.owner()).await.unwrap();
    drop(one);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_database WHERE datname = $1")
        .bind(&name)
        .fetch_one(other.owner())
        .await
        .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn each_pool_works_as_its_own_role() {
    let database = store::testing::database().await;
    for role in store::Role::ALL {
        let user: String = sqlx::query_scalar("SELECT current_user")
            .fetch_one(database.store().pool(role))
            .await
            .unwrap();
        assert_eq!(user, role.name());
    }
}

#[tokio::test]
async fn a_database_at_an_address_is_migrated_and_used_through_the_same_roles() {
    let database = store::testing::database().await;
    let store = store::Store::open(&store::Location::Url(database.url())).await.unwrap();
    for role in store::Role::ALL {
        let roles: (String, String) = sqlx::query_as("SELECT current_user, session_user")
            .fetch_one(store.pool(role))
            .await
            .unwrap();
        assert_eq!(roles, (role.name().to_owned(), "plumbline_owner".to_owned()));
    }
    store.close().await;
}
