//! What is no warning to whoever runs a command.

#[tokio::test]
async fn a_statement_that_takes_long_is_for_those_who_look_into_it() {
    let database = store::testing::database().await;
    let store = database.store();
    for pool in [store.app(), store.turn(), store.audit()] {
        let options = format!("{:?}", pool.connect_options());
        assert!(options.contains("slow_statements_level: Debug"), "{options}");
    }
}
